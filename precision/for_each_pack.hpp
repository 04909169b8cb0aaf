// SPDX-License-Identifier: Apache-2.0
// Arrays pack by pack.
#pragma once

#include <cstddef>

#include "precision/lanes.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {

/// The pack at p + i, its missing lanes zero beyond `count`.
template <class V>
ULPSCOPE_INLINE V load_padded(const scalar_t<V>* p, std::size_t i, std::size_t count) {
  if (i + lanes_v<V> <= count) return load<V>(p + i);
  scalar_t<V> rest[lanes_v<V>] = {};
  for (std::size_t k = i; k < count; ++k) rest[k - i] = p[k];
  return load<V>(rest);
}
template <class V>
ULPSCOPE_INLINE void store_padded(scalar_t<V>* p, std::size_t i, std::size_t count, V v) {
  if (i + lanes_v<V> <= count) return store<V>(p + i, v);
  for (std::size_t k = i; k < count; ++k) p[k] = lane(v, static_cast<int>(k - i));
}

/// to[i] = operation(from[i]); `operation(pack, first element)` gives the pack to store. The arrays are one array or do
/// not overlap.
template <class V, class F>
ULPSCOPE_INLINE void for_each_pack(const scalar_t<V>* from, scalar_t<V>* to, std::size_t count, F operation) {
  constexpr std::size_t n = lanes_v<V>;
  std::size_t i = 0;
  for (; i + n <= count; i += n) store<V>(to + i, operation(load<V>(from + i), i));
  if (i < count) store_padded<V>(to, i, count, operation(load_padded<V>(from, i, count), i));
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
