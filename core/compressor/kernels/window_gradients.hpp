// SPDX-License-Identifier: Apache-2.0
// Backward steps of a window: pool, products, softmax, and the scatter back to tokens. One function a slot.
#pragma once

#include "core/compressor/kernels/window_steps.hpp"
#include "core/compressor/rows/softmax_vjp.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

template <class A>
ULPSCOPE_HD void grad_products_step(WindowFrame<A>& frame, const rows::Ops<A>& ops) {
  each_pack(frame, [&](int c) {
    rows::pooled_vjp(ops, frame.slots, frame.rows(gradient_index(Name::pooled), c)[0],
                     frame.rows(gradient_index(Name::products), c));
  });
}

/// grad.weights = grad.products * values; grad.values = grad.products * weights
template <class A>
ULPSCOPE_OUTLINE_ON_DEVICE void grad_factor_step(WindowFrame<A>& frame, const rows::Ops<A>& ops, Name factor) {
  const Name other = factor == Name::weights ? Name::values : Name::weights;
  each_pack(frame, [&](int c) {
    rows::products(ops, frame.slots, frame.rows(gradient_index(Name::products), c), frame.rows(index_of(other), c),
                   frame.rows(gradient_index(factor), c));
  });
}

/// Stores the finished rows; where weights at pads were set to 0 outside the softmax, they pass no cotangent.
template <class A>
ULPSCOPE_HD void store_rows(WindowFrame<A>& frame, const rows::Ops<A>& ops, const rows::Rows<A>& out) {
  for (int r = 0; r < frame.slots; ++r) out.set(r, ops.storage.round(out[r]));
}

/// The cotangent of the softmax: grad.weights, 0 at slots whose weight was replaced by 0 (staged in grad.logits).
template <class A>
ULPSCOPE_HD rows::Rows<A> masked_cotangent(WindowFrame<A>& frame, int c) {
  const auto g = frame.rows(gradient_index(Name::weights), c);
  if (!frame.job.zero_pads) return g;
  const auto staged = frame.rows(gradient_index(Name::logits), c);
  for (int r = 0; r < frame.slots; ++r) staged.set(r, frame.padded[r] != 0 ? A::constant(0.0) : g[r]);
  return staged;
}

template <class A>
ULPSCOPE_HD void autodiff_softmax(WindowFrame<A>& frame, const rows::Ops<A>& ops, int c, const rows::Rows<A>& g) {
  const auto out = frame.rows(gradient_index(Name::logits), c);
  const rows::QuotientSaved<A> saved{frame.rows(index_of(Name::exp), c), frame.rows(index_of(Name::denominator), c)[0]};
  rows::softmax_autodiff_vjp(ops, frame.slots, saved, g, out);
  if (ops.max_gradient == MaxGradient::through && frame.job.softmax != Softmax::naive) {
    rows::add_max_cotangent(ops, frame.slots, frame.rows(index_of(Name::logits), c),
                            frame.rows(index_of(Name::row_max), c)[0], out);
  }
}

template <class A>
ULPSCOPE_HD void grad_logits_step(WindowFrame<A>& frame, const rows::Ops<A>& ops) {
  const bool closed = is_closed(ops.softmax_vjp) || is_online(frame.job.softmax);
  const Name y = frame.job.reads_weights ? Name::weights : Name::softmax;
  each_pack(frame, [&](int c) {
    const auto out = frame.rows(gradient_index(Name::logits), c);
    const auto g = masked_cotangent(frame, c);
    if (frame.job.softmax == Softmax::log_softmax) {
      rows::log_softmax_vjp(ops, frame.slots, frame.rows(index_of(y), c), g, out);
    } else if (closed) {
      rows::softmax_closed_vjp(ops, frame.slots, frame.rows(index_of(y), c), g, out);
    } else {
      autodiff_softmax(frame, ops, c, g);
    }
    if (frame.job.skip_pads) {  // a slot left out of max and sum has no path back
      for (int r = 0; r < frame.slots; ++r) {
        if (frame.padded[r] != 0) out.set(r, A::constant(0.0));
      }
    }
    store_rows(frame, ops, out);
  });
}

/// A slot that only moves on: stored in its own format.
template <class A>
ULPSCOPE_OUTLINE_ON_DEVICE void grad_copy_step(WindowFrame<A>& frame, const rows::Ops<A>& ops, Slot slot, Slot from) {
  each_pack(frame, [&](int c) {
    const auto source = frame.rows(from.index(), c);
    const auto out = frame.rows(slot.index(), c);
    for (int r = 0; r < frame.slots; ++r) out.set(r, ops.storage.round(source[r]));
  });
}

/// Back to token rows: every half of a token's features belongs to one softmax slot, so nothing but zeros is added.
/// Rows of padded slots are 0. Prior slots go to grad.prior_*, whose rows are the prior window's tokens.
template <class A>
ULPSCOPE_OUTLINE_ON_DEVICE void scatter(WindowFrame<A>& frame, const rows::Ops<A>& ops, Slot slot, Slot from) {
  const bool unchanged = frame.job.moves_unchanged[slot.index()];
  const bool of_prior = slot.name == Name::prior_kv || slot.name == Name::prior_gate;  // read by one window only
  const double start = of_prior ? -0.0 : frame.job.gradient_start;
  if (!unchanged) grad_copy_step(frame, ops, slot, from);
  for (int r = 0; r < frame.slots; ++r) {
    auto* target = frame.target(r, slot);
    if (target == nullptr) continue;
    if (frame.padded[r] != 0) {
      fill_values(target, target + frame.active, typename A::scalar_type(0));
    } else {
      add_values<A>(frame_row(frame, unchanged ? from : slot, r), frame.active, start, target);
    }
  }
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
