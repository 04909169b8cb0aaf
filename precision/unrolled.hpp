// SPDX-License-Identifier: Apache-2.0
// Loops written out.
#pragma once

#include <utility>

#include "precision/lanes.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {

/// f(0), ..., f(N - 1): what constant indices reach stays in registers.
template <int N, class F>
ULPSCOPE_INLINE void unrolled(F f) {
  [&]<int... i>(std::integer_sequence<int, i...>) ULPSCOPE_INLINED { (f(i), ...); }
  (std::make_integer_sequence<int, N>{});
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
