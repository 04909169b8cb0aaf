// SPDX-License-Identifier: Apache-2.0
// Walsh-Hadamard transform of an entry's channels, times d^-1/2: symmetric, its own inverse, its own VJP. See
// hadamard.md.
#pragma once

#include "core/compressor/rows/rows.hpp"

namespace ulpscope::compressor::rows {
inline namespace ULPSCOPE_LEVEL {

/// (a + b, a - b) for every pair of channels `span` apart.
template <class A>
ULPSCOPE_HD void butterflies(const A& f, int channels, int span, Rows<A> data) {
  for (int c = 0; c < channels; ++c) {
    if ((c & span) != 0) continue;
    const typename A::value_type a = data[c];
    const typename A::value_type b = data[c + span];
    data.set(c, f.add(a, b));
    data.set(c + span, f.sub(a, b));
  }
}

/// In place; channels a power of two, every butterfly rounded to compute. Scalar arithmetic.
template <class A>
ULPSCOPE_HD void hadamard(const Ops<A>& ops, int channels, Butterfly order, Rows<A> data) {
  const A& f = ops.compute;
  for (int step = 1; step < channels; step *= 2) {
    butterflies(f, channels, order == Butterfly::ascending ? step : channels / (2 * step), data);
  }
  const typename A::value_type factor = f.div(A::constant(1.0), f.sqrt(f.from(channels)));
  for (int c = 0; c < channels; ++c) data.set(c, ops.storage.round(f.mul(data[c], factor)));
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::rows
