// SPDX-License-Identifier: Apache-2.0
// exp of arrays of enclosures, compiled once per SIMD level.
#include "precision/exp_enclosed.hpp"
#include "precision/exp_enclosed_array_levels.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {

void exp_elements(const Enclosed* from, Enclosed* to, std::size_t count) {
  constexpr auto lanes = static_cast<std::size_t>(exp_lanes);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) exp_enclosed_pack(from + i, 1, to + i, 1);
  for (; i < count; ++i) to[i] = exp_enclosed(from[i]);
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
