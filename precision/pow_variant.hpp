// SPDX-License-Identifier: Apache-2.0
// Which library's power, as data.
#pragma once

#include <cstddef>
#include <string_view>

namespace ulpscope::precision {

/// Which power the elements of an array take. "correct": the correctly rounded one. "sleef_u10:V": SLEEF's as PyTorch
/// uses it on x86, in the elements that fill groups of V (two vectors: 32 on AVX-512, 16 on AVX2), the correctly
/// rounded one in those beyond [SLEEF].
struct PowChoice {
  int sleef_group = 0;  ///< 0: no element takes it
  friend bool operator==(const PowChoice&, const PowChoice&) = default;
};
/// Throws std::invalid_argument with one sentence that says what is known.
PowChoice parse_pow_choice(std::string_view text);
/// Whether element `index` of `count` takes SLEEF's.
bool takes_sleef(const PowChoice& choice, std::size_t index, std::size_t count);

}  // namespace ulpscope::precision
