// SPDX-License-Identifier: Apache-2.0
// Bounds by stage: softmax, its online form, its VJP; sums by their order.
#include "core/judge/invariant_bounds.hpp"

#include <algorithm>
#include <cmath>

#include "core/compressor/graph.hpp"

namespace ulpscope::judge {

using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Slot;
using compressor::SoftmaxVjp;
using precision::Format;
using precision::Summation;

double InvariantBounds::one(const Format& format) {
  const bool nearest =
      format.mode == precision::RoundingMode::nearest_even || format.mode == precision::RoundingMode::nearest_away;
  return precision::unit_roundoff(format) * (nearest ? 1 : 2);
}

double InvariantBounds::tiny(const Format& format) {
  return format.flush_results || format.flush_inputs ? precision::min_normal(format) : precision::min_subnormal(format);
}

double InvariantBounds::tiny(Slot slot) const {
  const compressor::SlotArithmetic& arithmetic = plan_.at(slot);
  return tiny(arithmetic.compute) + tiny(arithmetic.storage);
}

double InvariantBounds::summed(Slot slot, std::size_t terms) const {
  const compressor::SlotArithmetic& arithmetic = plan_.at(slot);
  const double unit = one(arithmetic.accumulate);
  const Summation& order = arithmetic.summation;
  if (order.kind != Summation::Kind::tensor_core) return std::expm1(static_cast<double>(terms) * std::log1p(unit));
  // Each of a block's K + 1 summands is cut below 2^-F of the largest; then the block's sum toward zero to fp32.
  const double fraction = std::ldexp(1.0, -order.sizes[0]);
  const auto block = static_cast<double>(order.sizes[1]);
  const double blocks = std::ceil(static_cast<double>(terms) / block);
  return std::expm1(blocks * ((block + 1) * fraction + 2 * std::max(unit, 0x1p-24)));
}

bool InvariantBounds::online() const { return compressor::is_online(recipe_.softmax); }

/// Sums of exponentials are rescaled whenever a tile raises the maximum, and the state rounds that maximum, so that
/// what was added before counts as taken from another anchor. Exponentials of x have the error of x and a few units.
double InvariantBounds::online_scan(const std::vector<double>& logits) const {
  const std::size_t tile = plan_.online().tile;
  double maximum = -HUGE_VAL;
  double largest = 0;
  double rises = 0;
  for (std::size_t first = 0; first < logits.size(); first += tile) {
    double here = maximum;
    for (std::size_t i = first; i < std::min(logits.size(), first + tile); ++i) {
      here = std::max(here, logits[i]);
      largest = std::max(largest, std::fabs(logits[i]));
    }
    rises += here > maximum;
    maximum = here;
  }
  const double state = one(plan_.online().state);
  const double unit = std::max(computed(forward(Name::softmax)), computed(forward(Name::pooled)));
  const double sums =
      std::max(summed(forward(Name::denominator), length() + 2), summed(forward(Name::pooled), length() + 2));
  const double add =
      std::max(one(plan_.at(forward(Name::denominator)).accumulate), one(plan_.at(forward(Name::pooled)).accumulate));
  const double tiles = std::ceil(static_cast<double>(length()) / static_cast<double>(tile));
  const double rescaled = rises * (add + 4 * unit * (1 + 2 * largest) + state * largest) + state * largest;
  return std::expm1(std::log1p(sums) + tiles * state + rescaled +
                    8 * unit * (1 + std::log(static_cast<double>(length()))));
}

double InvariantBounds::mass(Name name, const std::vector<double>& logits) const {
  const auto slots = static_cast<double>(length());
  const Slot softmax = forward(Name::softmax);
  double relative = 5 * computed(softmax) + stored(softmax);
  if (online()) {
    relative += online_scan(logits);
  } else {
    relative += summed(forward(Name::denominator), length() + 2) + stored(forward(Name::denominator));
  }
  if (recipe_.softmax == compressor::Softmax::log_softmax)
    relative += (1 + std::log(slots)) * (4 * computed(softmax) + stored(forward(Name::log_denominator)));
  const double mass = std::expm1(relative) + slots * tiny(softmax);
  if (name == Name::softmax) return mass;
  return mass + (1 + mass) * stored(forward(name)) + slots * tiny(forward(name));
}

double InvariantBounds::softmax_vjp() const {
  const Slot slot = gradient(Name::logits);
  const compressor::SlotArithmetic& arithmetic = plan_.at(slot);
  const auto slots = static_cast<double>(length());
  double relative = stored(slot) + 8 * computed(slot) + summed(slot, length() + 2);
  // Automatic differentiation divides by D and D^2, at most L and L^2: a reciprocal may lose digits to underflow.
  const bool squares = arithmetic.softmax_vjp == SoftmaxVjp::autodiff_jax_div;
  if (!is_closed(arithmetic.softmax_vjp)) relative += slots * (squares ? slots : 1) * tiny(arithmetic.compute);
  return arithmetic.max_gradient == compressor::MaxGradient::through ? 3 * relative : relative;
}

bool InvariantBounds::clamps(double magnitude, std::initializer_list<Slot> slots) const {
  const auto clamped = [&](const Format& format) {
    const bool saturates = format.saturate || format.special == precision::Special::none;
    return saturates && !(magnitude < format.max_finite);
  };
  return std::any_of(slots.begin(), slots.end(), [&](Slot slot) {
    const compressor::SlotArithmetic& arithmetic = plan_.at(slot);
    return clamped(arithmetic.compute) || clamped(arithmetic.accumulate) || clamped(arithmetic.storage);
  });
}

}  // namespace ulpscope::judge
