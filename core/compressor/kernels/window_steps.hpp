// SPDX-License-Identifier: Apache-2.0
// Forward steps of a window: gather with pads, bias (pad_first), softmax, products, pool. One function a slot.
#pragma once

#include "core/compressor/kernels/elementwise_kernel.hpp"
#include "core/compressor/kernels/ops.hpp"
#include "core/compressor/kernels/window_frame.hpp"
#include "core/compressor/rows/online.hpp"
#include "core/compressor/rows/pool.hpp"
#include "core/compressor/rows/scalar_functions.hpp"
#include "core/compressor/rows/softmax.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

template <class A, class F>
ULPSCOPE_HD void each_pack(const WindowFrame<A>& frame, F function) {
  for (int c = 0; c < frame.job.width; c += static_cast<int>(A::lanes)) function(c);
}

/// The value that stands in `slot` where a window's slot holds no token.
template <class A>
ULPSCOPE_HD typename A::scalar_type pad_value(const WindowFrame<A>& frame, Name slot) {
  const PadValues& pad = frame.job.pad;
  return static_cast<typename A::scalar_type>(slot == Name::values ? pad.kv : pad.gate);
}

template <class A>
ULPSCOPE_HD typename A::scalar_type* frame_row(const WindowFrame<A>& frame, Slot slot, int r) {
  return frame.buffer(slot.index()) + static_cast<std::ptrdiff_t>(r) * frame.job.stride;
}

/// Copies each softmax slot's row from its token (or fills the pad), stored in the slot's format.
template <class A>
ULPSCOPE_OUTLINE_ON_DEVICE void gather(WindowFrame<A>& frame, const rows::Ops<A>& ops, Slot slot, Slot from) {
  using T = typename A::scalar_type;
  const auto& job = frame.job;
  const T pad = pad_value(frame, slot.name);
  for (int r = 0; r < frame.slots; ++r) {
    T* row = frame_row(frame, slot, r);
    const T* source = frame.source(r, from);
    if (source == nullptr) {
      fill_values(row, row + frame.active, pad);
    } else {
      frame.fetch_ahead(source);
      copy_values<A>(source, frame.active, row);
    }
    fill_values(row + frame.active, row + job.width, T(0));
  }
  const bool unchanged = job.moves_unchanged[slot.index()];
  each_pack(frame, [&](int c) {
    const auto row = frame.rows(slot.index(), c);
    for (int r = 0; r < frame.slots; ++r) {
      const bool stored = unchanged && !frame.is_prior(r);  // the prior window is an input, in a format of its own
      if (!stored && frame.padded[r] == 0) row.set(r, ops.storage.round(row[r]));
    }
  });
}

/// bias_first where nobody keeps `biased`: gate + ape of each softmax slot's token. Rows of pads are left as they are.
template <class A>
ULPSCOPE_OUTLINE_ON_DEVICE void bias_before_window(WindowFrame<A>& frame, const rows::Ops<A>& ops) {
  const Slot slot = forward(Name::biased);
  const auto& ape = frame.job.views[index_of(Name::ape)];
  for (int r = 0; r < frame.slots; ++r) {
    const auto* gate = frame.source(r, forward(Name::gate));
    if (gate == nullptr) continue;
    const auto at = frame.token(r);
    apply_values<A, Elementwise::bias>(ops, {gate, ape.row(at.row) + at.column, frame_row(frame, slot, r)},
                                       frame.active);
  }
}

/// Moves `biased` on from the frame.
template <class A>
ULPSCOPE_HD void logits_from_frame(WindowFrame<A>& frame, const rows::Ops<A>& ops) {
  using T = typename A::scalar_type;
  const Slot slot = forward(Name::logits);
  const Slot from = forward(Name::biased);
  const T pad = pad_value(frame, slot.name);
  for (int r = 0; r < frame.slots; ++r) {
    T* row = frame_row(frame, slot, r);
    const T* source = frame_row(frame, from, r);
    if (frame.padded[r] != 0) {
      fill_values(row, row + frame.active, pad);
    } else if (row != source || !frame.job.moves_unchanged[slot.index()]) {
      apply_values<A, Elementwise::store>(ops, {source, nullptr, row}, frame.active);
    }
    fill_values(row + frame.active, row + frame.job.width, T(0));
  }
}

/// pad_first: logits = padded gate + bias, pads included; the bias row of slot r is its token's, its half the slot's.
template <class A>
ULPSCOPE_HD void bias_after_window(WindowFrame<A>& frame, const rows::Ops<A>& ops) {
  using T = typename A::scalar_type;
  const Geometry& geometry = frame.job.geometry;
  const View<T>& ape = frame.job.views[index_of(Name::ape)];
  for (int r = 0; r < frame.slots; ++r) {  // the bias row is staged in the slot it will be added into
    const auto slot = static_cast<std::size_t>(r);
    const bool own = geometry.overlap && slot >= geometry.ratio;
    const T* row = ape.row(own ? slot - geometry.ratio : slot) + (own ? geometry.head_dim : 0) + frame.first_channel;
    T* staged = frame_row(frame, forward(Name::logits), r);
    copy_values<A>(row, frame.active, staged);
    fill_values(staged + frame.active, staged + frame.job.width, T(0));
  }
  each_pack(frame, [&](int c) {
    const auto gate = frame.rows(index_of(Name::padded_gate), c);
    const auto out = frame.rows(index_of(Name::logits), c);
    for (int r = 0; r < frame.slots; ++r) out.set(r, ops.storage.round(ops.compute.add(gate[r], out[r])));
  });
}

template <class A>
ULPSCOPE_HD void logits_step(WindowFrame<A>& frame, const rows::Ops<A>& ops) {
  if (frame.job.pipeline == Pipeline::pad_first) return bias_after_window(frame, ops);
  if (!frame.job.views[index_of(Name::biased)]) return logits_from_frame(frame, ops);
  gather(frame, ops, forward(Name::logits), forward(Name::biased));
}

/// Slots that the algorithm leaves out of max and sum: pads under where=, double where, exclude.
template <class A>
ULPSCOPE_HD rows::PadMask skipped(const WindowFrame<A>& frame) {
  return frame.job.skip_pads ? frame.padded : nullptr;
}

template <class A>
ULPSCOPE_HD rows::OnlineOptions<A> online_options(const WindowFrame<A>& frame) {
  A state = frame.job.online_state;
  if constexpr (requires { state.at(precision::Counter{}); }) {  // every scan of a window rounds its state alike
    const Draws draws = frame.draws(forward(Name::softmax));
    state = state.at({draws.key, draws.element, 0});
  }
  return {frame.job.online_tile, state, frame.job.softmax == Softmax::online_guarded, frame.job.exact_products};
}

template <class A>
ULPSCOPE_HD rows::OnlineWindow<A> online_window(const WindowFrame<A>& frame, int c) {
  return {frame.slots, frame.rows(index_of(Name::logits), c), {}, skipped(frame)};
}

template <class A>
ULPSCOPE_HD void row_max_step(WindowFrame<A>& frame, const rows::Ops<A>& ops) {
  each_pack(frame, [&](int c) {
    const auto out = frame.rows(index_of(Name::row_max), c);
    if (is_online(frame.job.softmax)) {
      out.set(0, ops.storage.round(rows::online_scan(ops, online_options(frame), online_window(frame, c)).maximum));
    } else {
      out.set(0, rows::row_max(ops, frame.slots, frame.rows(index_of(Name::logits), c), skipped(frame)));
    }
  });
}

template <class A>
ULPSCOPE_HD void shifted_step(WindowFrame<A>& frame, const rows::Ops<A>& ops) {
  each_pack(frame, [&](int c) {
    rows::shift(ops, frame.slots, frame.rows(index_of(Name::logits), c), frame.rows(index_of(Name::row_max), c)[0],
                frame.rows(index_of(Name::shifted), c));
  });
}

template <class A>
ULPSCOPE_HD void exp_step(WindowFrame<A>& frame, const rows::Ops<A>& ops) {
  const Name from = frame.job.softmax == Softmax::naive ? Name::logits : Name::shifted;
  each_pack(frame, [&](int c) {
    rows::exponentials(ops, frame.slots, frame.rows(index_of(from), c), skipped(frame),
                       frame.rows(index_of(Name::exp), c));
  });
}

template <class A>
ULPSCOPE_HD void denominator_step(WindowFrame<A>& frame, const rows::Ops<A>& ops) {
  each_pack(frame, [&](int c) {
    const auto out = frame.rows(index_of(Name::denominator), c);
    if (is_online(frame.job.softmax)) {
      out.set(0, ops.storage.round(rows::online_scan(ops, online_options(frame), online_window(frame, c)).total));
    } else {
      out.set(0, rows::denominator(ops, frame.slots, frame.rows(index_of(Name::exp), c)));
    }
  });
}

template <class A>
ULPSCOPE_HD void log_denominator_step(WindowFrame<A>& frame, const rows::Ops<A>& ops) {
  each_pack(frame, [&](int c) {
    frame.rows(index_of(Name::log_denominator), c)
        .set(0, rows::logarithm(ops.compute, frame.rows(index_of(Name::denominator), c)[0]));
  });
}

/// Online: exponentials are taken again from the final maximum.
template <class A>
ULPSCOPE_HD void online_softmax(WindowFrame<A>& frame, const rows::Ops<A>& ops, int c) {
  const auto logits = frame.rows(index_of(Name::logits), c);
  const auto out = frame.rows(index_of(Name::softmax), c);
  const auto anchor = rows::online_anchor<A>(online_options(frame), frame.rows(index_of(Name::row_max), c)[0]);
  rows::shift(ops, frame.slots, logits, anchor, out);
  rows::exponentials(ops, frame.slots, out, skipped(frame), out);
  rows::quotients(ops, frame.slots, out, frame.rows(index_of(Name::denominator), c)[0], out);
}

template <class A>
ULPSCOPE_HD void softmax_step(WindowFrame<A>& frame, const rows::Ops<A>& ops) {
  each_pack(frame, [&](int c) {
    const auto out = frame.rows(index_of(Name::softmax), c);
    if (is_online(frame.job.softmax)) return online_softmax(frame, ops, c);
    if (frame.job.softmax == Softmax::log_softmax) {
      return rows::log_softmax(ops, frame.slots, frame.rows(index_of(Name::shifted), c),
                               frame.rows(index_of(Name::log_denominator), c)[0], out);
    }
    rows::quotients(ops, frame.slots, frame.rows(index_of(Name::exp), c), frame.rows(index_of(Name::denominator), c)[0],
                    out);
  });
}

template <class A>
ULPSCOPE_HD void weights_step(WindowFrame<A>& frame, const rows::Ops<A>& ops) {
  const rows::PadMask zero = frame.job.zero_pads ? frame.padded : nullptr;
  each_pack(frame, [&](int c) {
    rows::cast_weights(ops, frame.slots, frame.rows(index_of(Name::softmax), c), zero,
                       frame.rows(index_of(Name::weights), c));
  });
}

template <class A>
ULPSCOPE_HD void products_step(WindowFrame<A>& frame, const rows::Ops<A>& ops) {
  each_pack(frame, [&](int c) {
    rows::products(ops, frame.slots, frame.rows(index_of(Name::weights), c), frame.rows(index_of(Name::values), c),
                   frame.rows(index_of(Name::products), c));
  });
}

template <class A>
ULPSCOPE_HD void pooled_step(WindowFrame<A>& frame, const rows::Ops<A>& ops) {
  each_pack(frame, [&](int c) {
    const auto out = frame.rows(index_of(Name::pooled), c);
    if (is_online(frame.job.softmax)) {
      rows::OnlineWindow<A> window = online_window(frame, c);
      window.values = frame.rows(index_of(Name::values), c);
      const auto state = rows::online_scan(ops, online_options(frame), window);
      out.set(0, ops.storage.round(ops.compute.div(state.weighted, state.total)));
    } else if (frame.job.exact_products) {
      out.set(0, rows::pooled_fused(ops, frame.slots, frame.rows(index_of(Name::weights), c),
                                    frame.rows(index_of(Name::values), c)));
    } else {
      out.set(0, rows::pooled(ops, frame.slots, frame.rows(index_of(Name::products), c)));
    }
  });
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
