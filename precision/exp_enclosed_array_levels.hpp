// SPDX-License-Identifier: Apache-2.0
// The exp of arrays of enclosures that each SIMD level defines.
#pragma once

#include <cstddef>

#include "precision/enclosed_number.hpp"

namespace ulpscope::precision {

#if defined(ULPSCOPE_X86_LEVELS)
inline namespace v2 {
void exp_elements(const Enclosed* from, Enclosed* to, std::size_t count);
}
inline namespace v3 {
void exp_elements(const Enclosed* from, Enclosed* to, std::size_t count);
}
inline namespace v4 {
void exp_elements(const Enclosed* from, Enclosed* to, std::size_t count);
}
#else
inline namespace ULPSCOPE_LEVEL {
void exp_elements(const Enclosed* from, Enclosed* to, std::size_t count);
}
#endif

}  // namespace ulpscope::precision
