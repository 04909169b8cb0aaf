// SPDX-License-Identifier: Apache-2.0
// A pack that stays in a register, where the compiler would read it from memory for every use.
#pragma once

#include "precision/lanes.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {

/// The same pack. Reading again costs twice where a pack crosses a cache line, and reads are the limit of many loops.
template <class V>
ULPSCOPE_INLINE V in_register(V pack) {
#if defined(__AVX512F__)
  asm("" : "+v"(pack));
#elif defined(__SSE2__)
  asm("" : "+x"(pack));
#endif
  return pack;
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
