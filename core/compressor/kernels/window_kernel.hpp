// SPDX-License-Identifier: Apache-2.0
// The window kernel: for each window and block of channels, load, run the steps asked for, store.
#pragma once

#include <algorithm>
#include <vector>

#include "core/compressor/kernels/fused_window.hpp"
#include "core/compressor/kernels/variants.hpp"
#include "core/compressor/kernels/window_gradients.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

template <class A>
void forward_step(WindowFrame<A>& frame, const rows::Ops<A>& ops, Name name) {
  switch (name) {
    case Name::values:
      return gather(frame, ops, forward(name), forward(Name::kv));
    case Name::padded_gate:
      return gather(frame, ops, forward(name), forward(Name::gate));
    case Name::biased:
      return bias_before_window(frame, ops);
    case Name::logits:
      return logits_step(frame, ops);
    case Name::row_max:
      return row_max_step(frame, ops);
    case Name::shifted:
      return shifted_step(frame, ops);
    case Name::exp:
      return exp_step(frame, ops);
    case Name::denominator:
      return denominator_step(frame, ops);
    case Name::log_denominator:
      return log_denominator_step(frame, ops);
    case Name::softmax:
      return softmax_step(frame, ops);
    case Name::weights:
      return weights_step(frame, ops);
    case Name::products:
      return products_step(frame, ops);
    case Name::pooled:
      return pooled_step(frame, ops);
    default:
      return;
  }
}

template <class A>
void backward_step(WindowFrame<A>& frame, const rows::Ops<A>& ops, Name name) {
  const bool bias_first = frame.job.pipeline == Pipeline::bias_first;
  const Slot padded_gradient = gradient(bias_first ? Name::logits : Name::padded_gate);
  switch (name) {
    case Name::products:
      return grad_products_step(frame, ops);
    case Name::weights:
    case Name::values:
      return grad_factor_step(frame, ops, name);
    case Name::logits:
      return grad_logits_step(frame, ops);
    case Name::padded_gate:
      return grad_copy_step(frame, ops, gradient(name), gradient(Name::logits));
    case Name::kv:
    case Name::prior_kv:
      return scatter(frame, ops, gradient(name), gradient(Name::values));
    case Name::biased:
      return scatter(frame, ops, gradient(name), gradient(Name::logits));
    case Name::gate:
    case Name::prior_gate:
      return scatter(frame, ops, gradient(name), padded_gradient);
    default:
      return;
  }
}

/// A slot to compute, and its arithmetic.
template <class A>
struct Step {
  Slot slot;
  rows::Ops<A> ops;
};

template <class A>
void run_step(WindowFrame<A>& frame, const rows::Ops<A>& ops, Slot slot) {
  if (slot.direction == Direction::forward) {
    forward_step(frame, ops, slot.name);
  } else {
    backward_step(frame, ops, slot.name);
  }
}

/// A frame of a plan that draws is one channel of one window: that is the element, and the slots follow each other.
template <class A>
void run_steps(WindowFrame<A>& frame, const std::vector<Step<A>>& steps) {
  for (const auto& [slot, ops] : steps) {
    if (frame.job.plan->is_random()) {
      run_step(frame, draw_from(ops, frame.draws(slot)), slot);
    } else {
      run_step(frame, ops, slot);
    }
  }
}

/// Channels of a frame: a block of them, whole packs as long as there are any.
template <class A>
std::size_t frame_channels(std::size_t block, std::size_t left) {
  constexpr auto lanes = static_cast<std::size_t>(A::lanes);
  return left < lanes ? left : std::min(block, left / lanes * lanes);
}

template <class A>
void walk_windows(const PhaseJob<typename A::scalar_type>& job, std::size_t begin, std::size_t end,
                  typename A::scalar_type* arena) {
  std::vector<Step<A>> steps;
  for (const Slot slot : job.steps) steps.push_back({slot, make_ops<A>(job.plan->at(slot))});
  WindowFrame<A> frame(job, arena);
  const std::size_t channels = job.config->head_dim;
  const auto block = static_cast<std::size_t>(job.channels);
  const FusedWindow<A> fused(job);
  for (std::size_t window = begin; window < end; ++window) {
    for (std::size_t channel = 0; channel < channels; channel += frame.active) {
      frame.move_to(window, channel, frame_channels<A>(block, channels - channel));
      frame.load();
      if (fused.takes(frame)) {
        fused(frame);
      } else {
        run_steps(frame, steps);
      }
      frame.store();
    }
  }
}

/// Every operation of the phase is the carrier's own.
template <class A>
bool runs_plain(const PhaseJob<typename A::scalar_type>& job) {
  const auto plain = [&](Slot slot) { return Variants<A>::is_plain(job.plan->at(slot)); };
  const bool state = !is_online(job.softmax) || Variants<A>::is_carrier(job.plan->online().state);
  return state && std::all_of(job.steps.begin(), job.steps.end(), plain);
}

/// Windows [begin, end) of the B*n; `arena` holds job.arena values that no other thread uses.
template <class A>
void run_windows(const PhaseJob<typename A::scalar_type>& job, std::size_t begin, std::size_t end,
                 typename A::scalar_type* arena) {
  if constexpr (Variants<A>::exist) {
    if (runs_plain<A>(job)) return walk_windows<typename Variants<A>::PlainArithmetic>(job, begin, end, arena);
  }
  walk_windows<A>(job, begin, end, arena);
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
