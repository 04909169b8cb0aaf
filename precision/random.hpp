// SPDX-License-Identifier: Apache-2.0
// Counter-based random bits for stochastic rounding: a pure function of its arguments, the same everywhere.
#pragma once

#include <cstdint>

#include "precision/lanes.hpp"

namespace ulpscope::precision {

/// Names one draw: `key` for the experiment and slot, `element` for the position, `operation` for the step within it.
struct Counter {
  std::uint64_t key = 0;
  std::uint64_t element = 0;
  std::uint64_t operation = 0;
};

inline namespace ULPSCOPE_LEVEL {

/// The finaliser of SplitMix64 [SteeleLeaFlood14]: a bijection of 64-bit words with full avalanche.
ULPSCOPE_INLINE std::uint64_t mix(std::uint64_t z) {
  z += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// 64 random bits for one counter.
ULPSCOPE_INLINE std::uint64_t random_bits(const Counter& counter) {
  return mix(counter.key ^ mix(counter.element ^ mix(counter.operation)));
}

/// Random bits for the lanes of V: lane i draws for element + i, so packs and scalars agree.
template <class V>
ULPSCOPE_HD rebind_t<V, std::uint64_t> random_lanes(Counter counter) {
  rebind_t<V, std::uint64_t> bits{};
  for (int i = 0; i < lanes_v<V>; ++i, ++counter.element) set_lane(bits, i, random_bits(counter));
  return bits;
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
