// SPDX-License-Identifier: Apache-2.0
// The loops that each SIMD level defines. Internal to core/judge.
#pragma once

#include "core/judge/array_loops.hpp"
#include "precision/lanes.hpp"

namespace ulpscope::judge {

#define ULPSCOPE_DECLARE_ARRAY_LOOPS      \
  const ArrayLoops<float>& float_loops(); \
  const ArrayLoops<double>& double_loops();

#if defined(ULPSCOPE_X86_LEVELS)
inline namespace v2 {
ULPSCOPE_DECLARE_ARRAY_LOOPS
}
inline namespace v3 {
ULPSCOPE_DECLARE_ARRAY_LOOPS
}
inline namespace v4 {
ULPSCOPE_DECLARE_ARRAY_LOOPS
}
#else
inline namespace ULPSCOPE_LEVEL {
ULPSCOPE_DECLARE_ARRAY_LOOPS
}
#endif

#undef ULPSCOPE_DECLARE_ARRAY_LOOPS

}  // namespace ulpscope::judge
