// SPDX-License-Identifier: Apache-2.0
// The array rounding that each SIMD level defines.
#pragma once

#include <cstddef>

#include "precision/format.hpp"
#include "precision/lanes.hpp"

namespace ulpscope::precision {

#define ULPSCOPE_DECLARE_ROUND_ELEMENTS                                                       \
  void round_elements(const float* from, float* to, std::size_t count, const Format& format); \
  void round_elements(const double* from, double* to, std::size_t count, const Format& format);

#if defined(ULPSCOPE_X86_LEVELS)
inline namespace v2 {
ULPSCOPE_DECLARE_ROUND_ELEMENTS
}
inline namespace v3 {
ULPSCOPE_DECLARE_ROUND_ELEMENTS
}
inline namespace v4 {
ULPSCOPE_DECLARE_ROUND_ELEMENTS
}
#else
inline namespace ULPSCOPE_LEVEL {
ULPSCOPE_DECLARE_ROUND_ELEMENTS
}
#endif

#undef ULPSCOPE_DECLARE_ROUND_ELEMENTS

}  // namespace ulpscope::precision
