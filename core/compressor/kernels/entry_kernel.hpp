// SPDX-License-Identifier: Apache-2.0
// The entry kernel: norm, rotation, Hadamard, quantiser across the channels of one entry, forward and backward.
#pragma once

#include "core/compressor/kernels/phase.hpp"
#include "core/compressor/kernels/variants.hpp"
#include "core/compressor/rows/hadamard.hpp"
#include "core/compressor/rows/quantize.hpp"
#include "core/compressor/rows/rms_norm.hpp"
#include "core/compressor/rows/rms_norm_vjp.hpp"
#include "core/compressor/rows/rope.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

/// One entry's channels; every slot has its view, so there is nothing to load or store. A: a scalar arithmetic.
template <class A>
struct EntryFrame {
  using T = typename A::scalar_type;
  const Phase<T>& job;
  std::size_t entry = 0;

  ULPSCOPE_HD int channels() const { return static_cast<int>(job.geometry.head_dim); }
  ULPSCOPE_HD T* at(Slot slot) const { return job.views[slot.index()].row(entry); }
  ULPSCOPE_HD rows::Rows<A> row(Slot slot) const { return {at(slot), 1}; }
  ULPSCOPE_HD rows::Rows<A> table(Name name) const {
    return {job.views[index_of(name)].row(entry % job.geometry.windows), 1};
  }
  ULPSCOPE_HD rows::Rows<A> input(Name name) const { return {job.views[index_of(name)].data, 1}; }
};

template <class A>
ULPSCOPE_HD void move_row(const EntryFrame<A>& frame, Slot from, Slot to) {
  for (int c = 0; c < frame.channels(); ++c) frame.at(to)[c] = frame.at(from)[c];
}

template <class A>
ULPSCOPE_OUTLINE_ON_DEVICE void copy_row(const EntryFrame<A>& frame, const rows::Ops<A>& ops, Slot from, Slot to) {
  for (int c = 0; c < frame.channels(); ++c) frame.row(to).set(c, ops.storage.round(frame.row(from)[c]));
}

/// Where a step reads and writes.
struct Move {
  Slot from;
  Slot to;
};

/// to = from * factor per channel; the factor is a row of channels or one value (stride 0).
template <class A>
ULPSCOPE_OUTLINE_ON_DEVICE void scale_row(const EntryFrame<A>& frame, const rows::Ops<A>& ops, Move move,
                                          const rows::Rows<A>& factor) {
  for (int c = 0; c < frame.channels(); ++c) {
    frame.row(move.to).set(c, rows::stored_product(ops, frame.row(move.from)[c], factor[c]));
  }
}

template <class A>
ULPSCOPE_HD void normalize_forward(const EntryFrame<A>& frame, const rows::Ops<A>& ops) {
  auto rho = rows::inverse_rms(ops, frame.row(forward(Name::mean_square))[0], frame.job.geometry.eps);
  scale_row(frame, ops, Move{forward(Name::pooled), forward(Name::normalized)}, rows::Rows<A>{&rho, 0});
}

/// The last `dim` channels rotate; the others pass.
template <class A, class Rotation>
ULPSCOPE_HD void rotate_row(const EntryFrame<A>& frame, const rows::Ops<A>& ops, Move move, Rotation rotation) {
  const int first = frame.channels() - frame.job.geometry.rotated;
  const auto in = frame.row(move.from);
  const auto out = frame.row(move.to);
  const auto cos = frame.table(Name::rope_cos);
  const auto sin = frame.table(Name::rope_sin);
  for (int c = 0; c < first; ++c) out.set(c, ops.storage.round(in[c]));
  for (int c = first; c < frame.channels(); c += 2) {
    const int pair = (c - first) / 2;
    const auto turned = rotation(ops, rows::Pair<typename A::value_type>{in[c], in[c + 1]}, cos[pair], sin[pair]);
    out.set(c, turned.even);
    out.set(c + 1, turned.odd);
  }
}

template <class A>
ULPSCOPE_HD void hadamard_row(const EntryFrame<A>& frame, const rows::Ops<A>& ops, Slot from, Slot to) {
  move_row(frame, from, to);
  rows::hadamard(ops, frame.channels(), frame.job.butterfly, frame.row(to));
}

template <class A>
ULPSCOPE_HD void quantize_row(const EntryFrame<A>& frame, const rows::Ops<A>& ops, Slot from, Slot to) {
  const int block = frame.job.geometry.quantize_block;
  const int quantized = frame.channels() - frame.job.geometry.quantize_skip_last;
  move_row(frame, from, to);
  for (int c = 0; c < quantized; c += block) {
    const int count = quantized - c < block ? quantized - c : block;
    rows::quantize_block(ops, frame.job.block_rule, count, frame.job.quantized, rows::Rows<A>{frame.at(to) + c, 1});
  }
  for (int c = quantized; c < frame.channels(); ++c) frame.row(to).set(c, ops.storage.round(frame.row(from)[c]));
}

template <class A>
ULPSCOPE_HD void entry_forward(const EntryFrame<A>& frame, const rows::Ops<A>& ops, Name name, Slot before) {
  switch (name) {
    case Name::mean_square:
      return frame.row(forward(name))
          .set(0, rows::mean_square(ops, frame.channels(), frame.row(forward(Name::pooled))));
    case Name::normalized:
      return normalize_forward(frame, ops);
    case Name::normed:
      return scale_row(frame, ops, Move{before, forward(name)}, frame.input(Name::gamma));
    case Name::rotated:
      return rotate_row(frame, ops, Move{before, forward(name)}, rows::rotate<A>);
    case Name::hadamard:
      return hadamard_row(frame, ops, before, forward(name));
    case Name::quantized:
      return quantize_row(frame, ops, before, forward(name));
    case Name::output:
      return copy_row(frame, ops, before, forward(name));
    default:
      return;
  }
}

template <class A>
ULPSCOPE_HD void normalize_backward(const EntryFrame<A>& frame, const rows::Ops<A>& ops) {
  const rows::NormSaved<A> saved{frame.row(forward(Name::pooled)), frame.row(forward(Name::normalized)),
                                 frame.row(forward(Name::mean_square))[0], frame.job.geometry.eps};
  rows::normalize_vjp(ops, frame.channels(), saved, frame.row(gradient(Name::normalized)),
                      frame.row(gradient(Name::pooled)));
}

/// grad of the slot before `later`, from grad of `later`.
template <class A>
ULPSCOPE_HD void entry_backward(const EntryFrame<A>& frame, const rows::Ops<A>& ops, Name name, Name later) {
  switch (later) {
    case Name::output:
      return copy_row(frame, ops, gradient(later), gradient(name));
    case Name::quantized:
      return copy_row(frame, ops, gradient(later), gradient(name));  // straight-through
    case Name::hadamard:
      return hadamard_row(frame, ops, gradient(later), gradient(name));
    case Name::rotated:
      return rotate_row(frame, ops, Move{gradient(later), gradient(name)}, rows::rotate_vjp<A>);
    case Name::normed:
      return scale_row(frame, ops, Move{gradient(later), gradient(name)}, frame.input(Name::gamma));
    case Name::normalized:
      return normalize_backward(frame, ops);
    default:
      return;
  }
}

/// grad.output = the rounded cotangent times loss_scale.
template <class A>
ULPSCOPE_HD void output_cotangent(const EntryFrame<A>& frame, const rows::Ops<A>& ops) {
  const typename A::value_type scale = A::constant(frame.job.loss_scale);
  const auto in = frame.row(forward(Name::cotangent));
  for (int c = 0; c < frame.channels(); ++c) {
    frame.row(gradient(Name::output)).set(c, ops.storage.round(ops.compute.mul(in[c], scale)));
  }
}

/// One slot of one entry.
template <class A>
ULPSCOPE_OUTLINE_ON_DEVICE void entry_step(const EntryFrame<A>& frame, const Step<A>& step) {
  const auto& [slot, from, arithmetic] = step;
  const rows::Ops<A> ops = draw_from(arithmetic, {draw_key(frame.job.seed, slot), frame.entry});
  if (slot.direction == Direction::forward) {
    entry_forward(frame, ops, slot.name, from);
  } else if (slot.name == Name::output) {
    output_cotangent(frame, ops);
  } else {
    entry_backward(frame, ops, slot.name, from.name);
  }
}

/// One slot of entries [begin, end).
template <class A>
void entry_steps(const Phase<typename A::scalar_type>& phase, const Step<A>& step, std::size_t begin, std::size_t end) {
  for (std::size_t entry = begin; entry < end; ++entry) entry_step(EntryFrame<A>{phase, entry}, step);
}

/// Entries [begin, end) of the B*n.
template <class A>
void run_entries(const PhaseJob<typename A::scalar_type>& job, std::size_t begin, std::size_t end,
                 typename A::scalar_type*) {
  const Phase<typename A::scalar_type> phase(job, {});
  for (const Slot slot : job.steps) {
    if constexpr (Variants<A>::exist) {
      if (Variants<A>::is_plain(job.at(slot))) {
        using Plain = typename Variants<A>::PlainArithmetic;
        entry_steps(phase, make_step<Plain>(job, slot), begin, end);
        continue;
      }
    }
    entry_steps(phase, make_step<A>(job, slot), begin, end);
  }
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
