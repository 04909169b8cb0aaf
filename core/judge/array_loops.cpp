// SPDX-License-Identifier: Apache-2.0
// Chooses the level of the loops over arrays.
#include "core/judge/array_loops.hpp"

#include "core/judge/array_loops_levels.hpp"

namespace ulpscope::judge {

using precision::SimdLevel;

#if defined(ULPSCOPE_X86_LEVELS)
template <>
const ArrayLoops<float>& array_loops<float>(SimdLevel level) {
  if (level == SimdLevel::v4) return v4::float_loops();
  return level == SimdLevel::v3 ? v3::float_loops() : v2::float_loops();
}
template <>
const ArrayLoops<double>& array_loops<double>(SimdLevel level) {
  if (level == SimdLevel::v4) return v4::double_loops();
  return level == SimdLevel::v3 ? v3::double_loops() : v2::double_loops();
}
#else
template <>
const ArrayLoops<float>& array_loops<float>(SimdLevel) {
  return float_loops();
}
template <>
const ArrayLoops<double>& array_loops<double>(SimdLevel) {
  return double_loops();
}
#endif

}  // namespace ulpscope::judge
