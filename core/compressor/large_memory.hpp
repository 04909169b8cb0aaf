// SPDX-License-Identifier: Apache-2.0
// Room for large tensors: in huge pages where the system has them, since a first touch costs a fault per page.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/compressor/parallel.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace ulpscope::compressor {

/// Reserves room for `count` values, none of which is touched before the system knows that it may back them by huge
/// pages. Then `threads` threads touch the pages, many by one call: the system clears each at its first touch.
template <class Vector>
void reserve_large(Vector& values, std::size_t count, unsigned threads) {
  if (count <= values.capacity()) return;
  values.reserve(count);
#if defined(MADV_POPULATE_WRITE)
  constexpr std::uintptr_t page = 4096;
  constexpr std::uintptr_t huge = std::uintptr_t{2} << 20;
  const auto begin = reinterpret_cast<std::uintptr_t>(values.data());
  const auto inside = [begin, end = begin + count * sizeof(values[0])](std::uintptr_t unit) {
    return Items{(begin + unit - 1) / unit * unit, end / unit * unit, huge};
  };
  const auto advise = [](std::uintptr_t first, std::uintptr_t last, int advice) {  // a hint: it may fail
    if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, advice);
  };
  const Items pages = inside(page);
  if (pages.end < pages.begin + huge / 4) return;
  advise(inside(huge).begin, inside(huge).end, MADV_HUGEPAGE);
  parallel_for(pages, threads,
               [advise](std::uintptr_t first, std::uintptr_t last) { advise(first, last, MADV_POPULATE_WRITE); });
#else
  static_cast<void>(threads);
#endif
}

}  // namespace ulpscope::compressor
