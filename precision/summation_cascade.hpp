// SPDX-License-Identifier: Apache-2.0
// PyTorch's orders of summation on a CPU: cascades of blocks, over rows and along channels.
#pragma once

#include "precision/summation_orders.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {
namespace detail {

/// Blocks of 2^p terms: 16, or more where three levels of 16 would leave more than 16 at the top.
ULPSCOPE_HD inline int cascade_power(int n) {
  int bits = 0;
  while (bits < 31 && (1U << bits) < static_cast<unsigned>(n)) ++bits;
  return bits / 4 > 4 ? bits / 4 : 4;
}

/// Sums of blocks, of blocks of them, and of blocks of those, each from zero, so that no sum is -0.
template <class A, class Source>
ULPSCOPE_OUTLINE_ON_DEVICE typename A::value_type cascade_sum(const A& accumulate, const Range& range,
                                                              const Source& source) {
  using V = typename A::value_type;
  const V zero = A::constant(0.0);
  const int terms = (range.end - range.begin + range.step - 1) / range.step;
  const int power = cascade_power(terms);
  const int last_of_block = (1 << power) - 1;
  V levels[3] = {zero, zero, zero};
  int i = range.begin;
  for (int block = 1; block <= terms >> power; ++block) {
    V sum = zero;
    for (int k = 0; k <= last_of_block; ++k, i += range.step) sum = source.join(sum, i);
    int level = 0;
    for (int finished = block; level < 2 && (finished & last_of_block) == 0; finished >>= power, ++level) {
      sum = accumulate.add(levels[level], sum);
      levels[level] = zero;
    }
    levels[level] = accumulate.add(levels[level], sum);
  }
  V rest = zero;
  for (; i < range.end; i += range.step) rest = source.join(rest, i);
  return accumulate.add(accumulate.add(accumulate.add(rest, levels[0]), levels[1]), levels[2]);
}

/// `ways` cascades of every so many-th term; the terms that would make them uneven join the first.
template <class A, class Source>
ULPSCOPE_OUTLINE_ON_DEVICE typename A::value_type cascades_sum(const A& accumulate, const Range& range, int ways,
                                                               const Source& source) {
  const int terms = (range.end - range.begin + range.step - 1) / range.step;
  const int even = range.begin + terms / ways * ways * range.step;
  auto total = cascade_sum(accumulate, Range{range.begin, even, ways * range.step}, source);
  for (int i = even; i < range.end; i += range.step) total = source.join(total, i);
  for (int way = 1; way < ways; ++way) {
    const Range own{range.begin + way * range.step, even, ways * range.step};
    total = accumulate.add(total, cascade_sum(accumulate, own, source));
  }
  return total;
}

/// Terms i and i + 8 as one: the halves of a vector of 16 narrow elements, widened.
template <class A, class Source>
struct HalvesOf {
  const A& accumulate;
  const Source& source;
  ULPSCOPE_INLINE typename A::value_type join(const typename A::value_type& s, int i) const {
    return accumulate.add(s, source.join(source.first(i), i + 8));
  }
};

/// Along a row whose vectors have `vector` (8 or 16) elements: what fills no vector, and the 8 lanes of the others.
template <class A, class Source>
ULPSCOPE_HD typename A::value_type channels_sum(const A& accumulate, int n, int vector, const Source& source) {
  constexpr int lanes = 8, ways = 4;
  const int full = n / vector * vector;
  if (full == 0) return cascades_sum(accumulate, Range{0, n, 1}, ways, source);
  auto total = A::constant(0.0);
  for (int i = full; i < n; ++i) total = source.join(total, i);
  for (int lane = 0; lane < lanes; ++lane) {
    const Range own{lane, full, vector};
    total = accumulate.add(total, vector == lanes
                                      ? cascades_sum(accumulate, own, ways, source)
                                      : cascades_sum(accumulate, own, ways, HalvesOf<A, Source>{accumulate, source}));
  }
  return total;
}

}  // namespace detail
}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
