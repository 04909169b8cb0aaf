// SPDX-License-Identifier: Apache-2.0
// A phase as its steps read it: plain values that a device can hold as they are, prepared from a job on the host.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "core/compressor/draws.hpp"
#include "core/compressor/kernels/job.hpp"
#include "core/compressor/kernels/ops.hpp"
#include "core/compressor/rows/quantize.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

/// A double in a quantiser's element format, saturating, ties as the rule says.
class ElementRounding {
 public:
  ElementRounding() = default;
  explicit ElementRounding(const QuantizeRule& rule)
      : ties_(rule.ties),
        even_(in_mode(rule.format, precision::RoundingMode::nearest_even)),
        away_(in_mode(rule.format, precision::RoundingMode::nearest_away)),
        inner_(in_mode(rule.format, precision::RoundingMode::toward_zero)) {}

  ULPSCOPE_HD double operator()(double x) const {
    if (ties_ == Ties::even) return even_(x);
    const double away = away_(x);
    if (ties_ == Ties::away) return away;
    const double inner = inner_(x);
    const bool tie = std::fabs(x - inner) == std::fabs(away - x);  // exact: neighbours of x in a narrow format
    return tie ? inner : away;
  }

 private:
  static precision::Rounder<double> in_mode(const precision::Format& format, precision::RoundingMode mode) {
    precision::Format saturating = format;
    saturating.saturate = true;
    saturating.mode = mode;
    return precision::Rounder<double>(saturating);
  }
  Ties ties_ = Ties::even;
  precision::Rounder<double> even_, away_, inner_;
};

/// How a frame lies in its scratch.
struct FrameLayout {
  int width = 0;   ///< channels that it handles
  int stride = 0;  ///< values from one row to the next
};

/// What a phase's steps share, whatever their arithmetic.
template <class T>
struct Phase {
  Geometry geometry;
  PadValues pad;
  Butterfly butterfly = Butterfly::ascending;
  Pipeline pipeline = Pipeline::bias_first;
  Softmax softmax = Softmax::shifted;
  bool random = false;
  bool skip_pads = false;
  bool zero_pads = false;
  bool exact_products = false;  ///< products join the pooled sum unrounded
  bool reads_weights = false;   ///< the softmax VJP reads the stored weights, not the softmax before its cast
  double loss_scale = 1;
  /// What a token's gradient is added to: +0 where two windows read tokens, since autograd adds what each of them gives
  /// to the zeros of the other; else -0, which changes nothing.
  double gradient_start = -0.0;
  std::uint64_t seed = 0;
  Views<T> views{};
  const std::uint8_t* padded = nullptr;
  const T* prior_biased = nullptr;
  std::array<bool, slot_count> moves_unchanged{};
  std::array<std::uint32_t, slot_count> places{};  ///< values from the start of a frame's scratch to a slot's rows
  int width = 0;
  int stride = 0;
  int online_tile = 1;
  rows::BlockRule block_rule;
  ElementRounding quantized;

  Phase() = default;
  Phase(const PhaseJob<T>& job, const FrameLayout& layout)
      : geometry(job.geometry),
        pad(job.pad),
        butterfly(job.butterfly),
        pipeline(job.pipeline),
        softmax(job.softmax),
        random(job.random),
        skip_pads(job.skip_pads),
        zero_pads(job.zero_pads),
        exact_products(job.at(forward(Name::products)).compute_exact),
        reads_weights(job.at(gradient(Name::logits)).saved == Saved::stored),
        loss_scale(job.loss_scale),
        gradient_start(geometry.overlap && geometry.windows > 1 ? 0.0 : -0.0),
        seed(job.seed),
        views(*job.views),
        padded(job.padded),
        prior_biased(job.prior_biased),
        moves_unchanged(job.moves_unchanged),
        width(layout.width),
        stride(layout.stride),
        online_tile(static_cast<int>(job.online->tile)) {
    for (std::size_t i = 0; i < slot_count; ++i) places[i] = job.places[i] * static_cast<std::uint32_t>(stride);
    if (geometry.quantize_block == 0) return;
    const QuantizeRule& rule = *job.quantize;
    block_rule = {rule.scale, rule.floor_of, rule.ties, rule.floor, rule.format.max_finite};
    quantized = ElementRounding(rule);
  }
};

/// A slot to compute, its arithmetic, and where an entry's step starts from.
template <class A>
struct Step {
  Slot slot;
  Slot from;
  rows::Ops<A> ops;
};
template <class A>
Step<A> make_step(const PhaseJob<typename A::scalar_type>& job, Slot slot) {
  return {slot, job.from[slot.index()], make_ops<A>(job.at(slot))};
}

/// A slot's rows on their way between a frame and its view.
struct Transfer {
  Slot slot;
  int rows = 0;
};

/// A phase with all its steps in one arithmetic. For float and double: trivially copyable.
template <class A>
struct PreparedPhase : Phase<typename A::scalar_type> {
  static constexpr std::size_t most_steps = 32;  ///< a backward window has 23 slots, entries have 18
  std::array<Step<A>, most_steps> steps{};
  std::array<Transfer, most_steps> loads{};
  std::array<Transfer, most_steps> stores{};
  int step_count = 0;
  int load_count = 0;
  int store_count = 0;
  A online_state{};

  PreparedPhase(const PhaseJob<typename A::scalar_type>& job, const FrameLayout& layout)
      : Phase<typename A::scalar_type>(job, layout), online_state(job.online->state) {
    const auto transfer = [&](Slot slot) { return Transfer{slot, static_cast<int>(job.rows[slot.index()])}; };
    for (const Slot slot : job.loads) loads.at(static_cast<std::size_t>(load_count++)) = transfer(slot);
    for (const Slot slot : job.steps) {
      steps.at(static_cast<std::size_t>(step_count++)) = make_step<A>(job, slot);
      if (job.kept[slot.index()]) stores.at(static_cast<std::size_t>(store_count++)) = transfer(slot);
    }
  }
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
