// SPDX-License-Identifier: Apache-2.0
// The entry kernel: norm, rotation, Hadamard, quantiser across the channels of one entry, forward and backward.
#pragma once

#include <algorithm>
#include <cmath>

#include "core/compressor/draws.hpp"
#include "core/compressor/kernels/job.hpp"
#include "core/compressor/kernels/ops.hpp"
#include "core/compressor/kernels/variants.hpp"
#include "core/compressor/rows/hadamard.hpp"
#include "core/compressor/rows/quantize.hpp"
#include "core/compressor/rows/rms_norm.hpp"
#include "core/compressor/rows/rms_norm_vjp.hpp"
#include "core/compressor/rows/rope.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

/// One entry's channels; every slot has its view, so there is nothing to load or store. A: a scalar arithmetic.
template <class A>
struct EntryFrame {
  using T = typename A::scalar_type;
  const PhaseJob<T>& job;
  std::size_t entry = 0;

  int channels() const { return static_cast<int>(job.config->head_dim); }
  T* at(Slot slot) const { return (*job.views)[slot.index()].row(entry); }
  rows::Rows<A> row(Slot slot) const { return {at(slot), 1}; }
  rows::Rows<A> table(Name name) const { return {(*job.views)[index_of(name)].row(entry % job.config->windows()), 1}; }
  rows::Rows<A> input(Name name) const { return {(*job.views)[index_of(name)].data, 1}; }
};

template <class A>
void copy_row(const EntryFrame<A>& frame, const rows::Ops<A>& ops, Slot from, Slot to) {
  for (int c = 0; c < frame.channels(); ++c) frame.row(to).set(c, ops.storage.round(frame.row(from)[c]));
}

/// Where a step reads and writes.
struct Move {
  Slot from;
  Slot to;
};

/// to = from * factor per channel; the factor is a row of channels or one value (stride 0).
template <class A>
void scale_row(const EntryFrame<A>& frame, const rows::Ops<A>& ops, Move move, const rows::Rows<A>& factor) {
  for (int c = 0; c < frame.channels(); ++c) {
    frame.row(move.to).set(c, rows::stored_product(ops, frame.row(move.from)[c], factor[c]));
  }
}

template <class A>
void normalize_forward(const EntryFrame<A>& frame, const rows::Ops<A>& ops) {
  auto rho = rows::inverse_rms(ops, frame.row(forward(Name::mean_square))[0], frame.job.config->eps);
  scale_row(frame, ops, Move{forward(Name::pooled), forward(Name::normalized)}, rows::Rows<A>{&rho, 0});
}

/// The last `dim` channels rotate; the others pass.
template <class A, class Rotation>
void rotate_row(const EntryFrame<A>& frame, const rows::Ops<A>& ops, Move move, Rotation rotation) {
  const int first = frame.channels() - static_cast<int>(frame.job.config->rope->dim);
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
void hadamard_row(const EntryFrame<A>& frame, const rows::Ops<A>& ops, Slot from, Slot to) {
  std::copy_n(frame.at(from), frame.channels(), frame.at(to));
  rows::hadamard(ops, frame.channels(), frame.job.plan->butterfly(), frame.row(to));
}

/// x in the element format, saturating, ties as the rule says.
inline double quantized_element(double x, const QuantizeRule& rule) {
  precision::Format format = rule.format;
  format.saturate = true;
  format.mode = precision::RoundingMode::nearest_even;
  if (rule.ties == Ties::even) return precision::round(x, format);
  format.mode = precision::RoundingMode::nearest_away;
  const double away = precision::round(x, format);
  if (rule.ties == Ties::away) return away;
  format.mode = precision::RoundingMode::toward_zero;
  const double inner = precision::round(x, format);
  const bool tie = std::fabs(x - inner) == std::fabs(away - x);  // exact: neighbours of x in a narrow format
  return tie ? inner : away;
}

template <class A>
void quantize_row(const EntryFrame<A>& frame, const rows::Ops<A>& ops, Slot from, Slot to) {
  const Quantize& quantize = *frame.job.config->quantize;
  const int block = static_cast<int>(quantize.block);
  const int quantized = frame.channels() - static_cast<int>(quantize.skip_last);
  std::copy_n(frame.at(from), frame.channels(), frame.at(to));
  const QuantizeRule& rule = frame.job.plan->quantize();
  const rows::BlockRule block_rule{rule.scale, rule.floor_of, rule.ties, rule.floor, rule.format.max_finite};
  for (int c = 0; c < quantized; c += block) {
    rows::quantize_block(
        ops, block_rule, std::min(block, quantized - c), [&](double x) { return quantized_element(x, rule); },
        rows::Rows<A>{frame.at(to) + c, 1});
  }
  for (int c = quantized; c < frame.channels(); ++c) frame.row(to).set(c, ops.storage.round(frame.row(from)[c]));
}

template <class A>
void entry_forward(const EntryFrame<A>& frame, const rows::Ops<A>& ops, Name name) {
  const Slot before = forward(frame.job.graph->before(name));
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
void normalize_backward(const EntryFrame<A>& frame, const rows::Ops<A>& ops) {
  const rows::NormSaved<A> saved{frame.row(forward(Name::pooled)), frame.row(forward(Name::normalized)),
                                 frame.row(forward(Name::mean_square))[0], frame.job.config->eps};
  rows::normalize_vjp(ops, frame.channels(), saved, frame.row(gradient(Name::normalized)),
                      frame.row(gradient(Name::pooled)));
}

/// grad of the slot before `later`, from grad of `later`.
template <class A>
void entry_backward(const EntryFrame<A>& frame, const rows::Ops<A>& ops, Name name, Name later) {
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
void output_cotangent(const EntryFrame<A>& frame, const rows::Ops<A>& ops) {
  const typename A::value_type scale = A::constant(frame.job.loss_scale);
  const auto in = frame.row(forward(Name::cotangent));
  for (int c = 0; c < frame.channels(); ++c) {
    frame.row(gradient(Name::output)).set(c, ops.storage.round(ops.compute.mul(in[c], scale)));
  }
}

/// One slot of entries [begin, end).
template <class A>
void entry_step(const PhaseJob<typename A::scalar_type>& job, Slot slot, std::size_t begin, std::size_t end) {
  const rows::Ops<A> arithmetic = make_ops<A>(job.plan->at(slot));
  for (std::size_t entry = begin; entry < end; ++entry) {
    const EntryFrame<A> frame{job, entry};
    const rows::Ops<A> ops = draw_from(arithmetic, {draw_key(job.seed, slot), entry});
    if (slot.direction == Direction::forward) {
      entry_forward(frame, ops, slot.name);
    } else if (slot.name == Name::output) {
      output_cotangent(frame, ops);
    } else {
      entry_backward(frame, ops, slot.name, job.graph->reads(slot).front().name);
    }
  }
}

/// Entries [begin, end) of the B*n.
template <class A>
void run_entries(const PhaseJob<typename A::scalar_type>& job, std::size_t begin, std::size_t end,
                 typename A::scalar_type*) {
  for (const Slot slot : job.steps) {
    if constexpr (Variants<A>::exist) {
      if (Variants<A>::is_plain(job.plan->at(slot))) {
        entry_step<typename Variants<A>::PlainArithmetic>(job, slot, begin, end);
        continue;
      }
    }
    entry_step<A>(job, slot, begin, end);
  }
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
