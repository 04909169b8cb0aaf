// SPDX-License-Identifier: Apache-2.0
// Online softmax: one pass in tiles with a state (max, sum, weighted sum) that is rescaled [Milakov-Gimelshein18]. See
// softmax.md.
#pragma once

#include "core/compressor/rows/softmax.hpp"

namespace ulpscope::compressor::rows {
inline namespace ULPSCOPE_LEVEL {

/// After a tile, the state is rounded to `state`. Guarded: -inf maxima act as 0, so an all-pad tile leaves no NaN.
template <class A>
struct OnlineOptions {
  int tile = 1;
  A state;
  bool guarded = false;
  bool exact_products = false;  ///< e v joins the weighted sum unrounded (FMA)
};

template <class A>
struct OnlineState {
  typename A::value_type maximum = A::constant(-precision::infinity());
  typename A::value_type total = A::constant(0.0);
  typename A::value_type weighted = A::constant(0.0);
};

/// What exponents are measured from: the maximum, or 0 where it is -inf and the algorithm guards against that.
template <class A>
ULPSCOPE_HD typename A::value_type online_anchor(const OnlineOptions<A>& options,
                                                 const typename A::value_type& maximum) {
  if (!options.guarded) return maximum;
  const auto lowest = A::equal(maximum, A::constant(-precision::infinity()));
  return A::select(lowest, A::constant(0.0), maximum);
}

/// What is scanned; values.base null: only maximum and total are wanted. `skip`: slots that do not exist (null: none).
template <class A>
struct OnlineWindow {
  int count = 0;
  Rows<A> logits;
  Rows<A> values;
  PadMask skip = nullptr;

  ULPSCOPE_HD bool keeps(int r) const { return skip == nullptr || skip[r] == 0; }
  ULPSCOPE_HD bool keeps_any(int first, int last) const {
    while (first < last && !keeps(first)) ++first;
    return first < last;
  }
};

template <class A>
struct OnlineTile {
  OnlineWindow<A> window;
  int first = 0;
};

/// One tile: state <- rescale(state) + sum over the tile's slots; as it was where the tile has none.
template <class A>
ULPSCOPE_HD OnlineState<A> online_tile(const Ops<A>& ops, const OnlineOptions<A>& options, const OnlineTile<A>& tile,
                                       OnlineState<A> state) {
  const OnlineWindow<A>& window = tile.window;
  const int first = tile.first;
  const int last = first + options.tile < window.count ? first + options.tile : window.count;
  if (!window.keeps_any(first, last)) return state;
  using V = typename A::value_type;
  V maximum = state.maximum;
  for (int r = first; r < last; ++r) {
    if (window.keeps(r)) maximum = A::max(maximum, window.logits[r]);
  }
  const V anchor = online_anchor<A>(options, maximum);
  const V scale = precision::exp_as(ops.compute, ops.compute.sub(state.maximum, anchor), ops.exp);
  V total = ops.accumulate.mul(state.total, scale);
  V weighted = ops.accumulate.mul(state.weighted, scale);
  for (int r = first; r < last; ++r) {
    if (!window.keeps(r)) continue;
    const V e = precision::exp_as(ops.compute, ops.compute.sub(window.logits[r], anchor), ops.exp);
    total = ops.accumulate.add(total, e);
    if (window.values.base == nullptr) continue;
    const V value = window.values[r];
    weighted = options.exact_products ? ops.accumulate.fma(e, value, weighted)
                                      : ops.accumulate.add(weighted, ops.compute.mul(e, value));
  }
  state.maximum = options.state.round(maximum);
  state.total = options.state.round(total);
  state.weighted = options.state.round(weighted);
  return state;
}

template <class A>
ULPSCOPE_HD OnlineState<A> online_scan(const Ops<A>& ops, const OnlineOptions<A>& options,
                                       const OnlineWindow<A>& window) {
  OnlineState<A> state;
  for (int first = 0; first < window.count; first += options.tile)
    state = online_tile(ops, options, OnlineTile<A>{window, first}, state);
  if (options.guarded) {
    const auto empty = A::equal(state.total, A::constant(0.0));
    state.total = A::select(empty, A::constant(1.0), state.total);
  }
  return state;
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::rows
