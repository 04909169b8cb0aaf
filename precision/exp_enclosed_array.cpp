// SPDX-License-Identifier: Apache-2.0
// Chooses the level at which exp of enclosures is computed.
#include "precision/exp_enclosed_array.hpp"

#include <stdexcept>

#include "precision/exp_enclosed_array_levels.hpp"

namespace ulpscope::precision {

void exp_array_at(SimdLevel level, std::span<const Enclosed> from, std::span<Enclosed> to) {
  if (from.size() != to.size()) throw std::invalid_argument("exp_array: the two arrays differ in size");
#if defined(ULPSCOPE_X86_LEVELS)
  switch (level) {
    case SimdLevel::v4:
      return v4::exp_elements(from.data(), to.data(), from.size());
    case SimdLevel::v3:
      return v3::exp_elements(from.data(), to.data(), from.size());
    case SimdLevel::v2:
      return v2::exp_elements(from.data(), to.data(), from.size());
  }
#else
  static_cast<void>(level);
  exp_elements(from.data(), to.data(), from.size());
#endif
}

void exp_array(std::span<const Enclosed> from, std::span<Enclosed> to) { exp_array_at(best_simd_level(), from, to); }

}  // namespace ulpscope::precision
