// SPDX-License-Identifier: Apache-2.0
// The steps of a window, one after the other. Host and device.
#pragma once

#include "core/compressor/kernels/window_gradients.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

template <class A>
ULPSCOPE_HD void forward_step(WindowFrame<A>& frame, const rows::Ops<A>& ops, Name name) {
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
ULPSCOPE_HD void backward_step(WindowFrame<A>& frame, const rows::Ops<A>& ops, Name name) {
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

template <class A>
ULPSCOPE_OUTLINE_ON_DEVICE void run_step(WindowFrame<A>& frame, const rows::Ops<A>& ops, Slot slot) {
  if (slot.direction == Direction::forward) {
    forward_step(frame, ops, slot.name);
  } else {
    backward_step(frame, ops, slot.name);
  }
}

/// A frame of a plan that draws is one channel of one window: that is the element, and the slots follow each other.
template <class A>
ULPSCOPE_HD void run_steps(WindowFrame<A>& frame) {
  for (int i = 0; i < frame.job.step_count; ++i) {
    const Step<A>& step = frame.job.steps[static_cast<std::size_t>(i)];
    if (frame.job.random) {
      run_step(frame, draw_from(step.ops, frame.draws(step.slot)), step.slot);
    } else {
      run_step(frame, step.ops, step.slot);
    }
  }
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
