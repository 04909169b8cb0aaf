// SPDX-License-Identifier: Apache-2.0
// The loops of exact_dot at a level chosen at run time.
#pragma once

#include "precision/exact_dot_levels.hpp"
#include "precision/simd_level.hpp"

namespace ulpscope::precision {

inline const ExactDotKernels& exact_dot_kernels_at(SimdLevel level) {
#if defined(ULPSCOPE_X86_LEVELS)
  if (level == SimdLevel::v4) return v4::exact_dot_kernels();
  return level == SimdLevel::v3 ? v3::exact_dot_kernels() : v2::exact_dot_kernels();
#else
  static_cast<void>(level);
  return exact_dot_kernels();
#endif
}

}  // namespace ulpscope::precision
