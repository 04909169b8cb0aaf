// SPDX-License-Identifier: Apache-2.0
// Room for large tensors: in huge pages where the system has them, since a first touch costs a fault per page.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace ulpscope::compressor {

/// Reserves room for `count` values, none of which is touched before the system knows that it may back them by huge
/// pages.
template <class Vector>
void reserve_large(Vector& values, std::size_t count) {
  if (count <= values.capacity()) return;
  values.reserve(count);
#if defined(__linux__)
  constexpr std::uintptr_t huge = std::uintptr_t{2} << 20;
  const auto begin = reinterpret_cast<std::uintptr_t>(values.data());
  const std::uintptr_t first = (begin + huge - 1) / huge * huge;
  const std::uintptr_t last = (begin + count * sizeof(values[0])) / huge * huge;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);  // a hint: it may fail
#endif
}

}  // namespace ulpscope::compressor
