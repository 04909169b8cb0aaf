// SPDX-License-Identifier: Apache-2.0
// Sums over windows in double; bounds are worst cases, first order, with absolute terms for underflow.
#include "core/judge/invariants.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/evaluate.hpp"
#include "core/judge/layout.hpp"

namespace ulpscope::judge {
namespace {

using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Slot;
using compressor::Tape;
using compressor::Tensor;

/// |violation| of one group of terms, against the sum of its absolute terms.
struct Group {
  double violation = 0;
  double majorant = 0;
};

/// What is in excess of the slack, against the sum of absolute terms; NaN where either is.
double relative_excess(double excess, double majorant) {
  return excess <= 0 && !std::isnan(majorant) ? 0 : excess / majorant;
}

/// The larger of two residuals; a NaN comes in and stays.
double worse(double residual, double relative) {
  return std::isnan(residual) || relative <= residual ? residual : relative;
}

class Checker {
 public:
  Checker(const Tape& tape, const compressor::Problem& problem, const compressor::Recipe& recipe)
      : tape_(tape),
        problem_(problem),
        recipe_(recipe),
        plan_(recipe, problem.config),
        config_(plan_.config()),
        padded_(compressor::padded_slots(problem, config_, recipe)) {}

  std::vector<Invariant> run() {
    if (config_.windows() == 0) return {};
    softmax_sums_to_one();
    logit_gradients_cancel();
    value_gradients_sum();
    ape_gauge();
    pooled_is_convex();
    radial_gradient();
    return std::move(found_);
  }

 private:
  const Tensor* tensor(Slot slot) const {
    const compressor::Record* record = tape_.find(slot);
    return record == nullptr ? nullptr : &record->tensor;
  }
  const Tensor* probabilities() const {
    const Tensor* exact = tensor(forward(Name::softmax));
    return exact != nullptr ? exact : tensor(forward(Name::weights));
  }
  Name probabilities_name() const { return tape_.has(forward(Name::softmax)) ? Name::softmax : Name::weights; }

  // One rounding; directed modes may be off by a whole spacing.
  static double one(const precision::Format& format) {
    const bool nearest =
        format.mode == precision::RoundingMode::nearest_even || format.mode == precision::RoundingMode::nearest_away;
    return precision::unit_roundoff(format) * (nearest ? 1 : 2);
  }
  double stored(Slot slot) const { return one(plan_.at(slot).storage); }
  double computed(Slot slot) const { return one(plan_.at(slot).compute); }
  double summed(Slot slot, std::size_t terms) const {
    return std::expm1(static_cast<double>(terms) * std::log1p(one(plan_.at(slot).accumulate)));
  }
  double smallest(Slot slot) const {
    const precision::Format& format = plan_.at(slot).storage;
    return format.flush_results ? precision::min_normal(format) : precision::min_subnormal(format);
  }
  std::size_t length() const { return config_.window_slots(); }

  /// How far probabilities may be from adding up to 1: storage, division, denominator, and what the algorithm adds.
  double mass_bound(Name name) const {
    const Slot slot = forward(name);
    double bound =
        stored(slot) + 3 * computed(forward(Name::softmax)) + summed(forward(Name::denominator), length() + 2);
    if (recipe_.softmax == compressor::Softmax::log_softmax) {
      bound += 4 * computed(forward(Name::softmax)) * (1 + std::log(static_cast<double>(length())));
    }
    const bool online =
        recipe_.softmax == compressor::Softmax::online || recipe_.softmax == compressor::Softmax::online_guarded;
    if (online)
      bound += 3 * static_cast<double>(length()) * (one(plan_.online().state) + computed(forward(Name::softmax)));
    return bound;
  }

  bool all_padded(std::size_t window) const {
    const auto first = padded_.begin() + static_cast<std::ptrdiff_t>(window * length());
    return std::all_of(first, first + static_cast<std::ptrdiff_t>(length()), [](std::uint8_t pad) { return pad != 0; });
  }

  /// The largest residual over all (window, channel); `slack` is what underflow may add.
  void over_channels(const std::string& name, double bound, double slack,
                     const std::function<Group(std::size_t, std::size_t)>& group) {
    double residual = 0;
    for (std::size_t window = 0; window < config_.batch * config_.windows(); ++window) {
      if (all_padded(window)) continue;
      for (std::size_t c = 0; c < config_.head_dim; ++c) {
        const Group g = group(window, c);
        residual = worse(residual, relative_excess(std::fabs(g.violation) - slack, g.majorant));
      }
    }
    add(name, residual, bound);
  }
  void add(const std::string& name, double residual, double bound) {
    const bool holds = residual <= bound;
    found_.push_back(
        {name, residual, bound, holds ? Status::ok : Status::fail, holds ? "" : "the residual is above the bound"});
  }
  void skip(const std::string& name, const std::string& reason) {
    found_.push_back({name, std::nan(""), std::nan(""), Status::skipped, reason});
  }
  std::size_t at(std::size_t window, std::size_t r, std::size_t c) const {
    return (window * length() + r) * config_.head_dim + c;
  }

  void softmax_sums_to_one() {
    const Tensor* w = probabilities();
    if (w == nullptr) return skip("softmax_sums_to_one", "neither softmax nor weights is there");
    const Slot slot = forward(probabilities_name());
    over_channels("softmax_sums_to_one", mass_bound(slot.name), static_cast<double>(length()) * smallest(slot),
                  [&](std::size_t window, std::size_t c) {
                    double sum = 0;
                    for (std::size_t r = 0; r < length(); ++r) sum += w->at(at(window, r, c));
                    return Group{sum - 1, 1};
                  });
  }

  double twice_weighted(const Tensor& y, const Tensor& g, std::size_t window, std::size_t c) const {
    double sum = 0;
    for (std::size_t r = 0; r < length(); ++r) sum += std::fabs(y.at(at(window, r, c)) * g.at(at(window, r, c)));
    return 2 * sum;
  }
  double cancel_bound() const {
    const Slot slot = gradient(Name::logits);
    return stored(slot) + 6 * computed(slot) + summed(slot, length() + 2) + mass_bound(probabilities_name());
  }

  void logit_gradients_cancel() {
    const Tensor* y = probabilities();
    const Tensor* g = tensor(gradient(Name::weights));
    const Tensor* dz = tensor(gradient(Name::logits));
    if (y == nullptr || g == nullptr || dz == nullptr)
      return skip("logit_gradients_cancel", "weights, grad.weights or grad.logits is absent");
    over_channels("logit_gradients_cancel", cancel_bound(),
                  2 * static_cast<double>(length()) * smallest(gradient(Name::logits)),
                  [&](std::size_t window, std::size_t c) {
                    double sum = 0;
                    for (std::size_t r = 0; r < length(); ++r) sum += dz->at(at(window, r, c));
                    return Group{sum, twice_weighted(*y, *g, window, c)};
                  });
  }

  void value_gradients_sum() {
    const Tensor* dv = tensor(gradient(Name::values));
    const Tensor* dc = tensor(gradient(Name::pooled));
    if (dv == nullptr || dc == nullptr) return skip("value_gradients_sum", "grad.values or grad.pooled is absent");
    const double bound = mass_bound(Name::weights) + stored(gradient(Name::values)) + computed(gradient(Name::values)) +
                         stored(gradient(Name::products)) + stored(forward(Name::weights));
    over_channels("value_gradients_sum", bound, static_cast<double>(length()) * smallest(gradient(Name::values)),
                  [&](std::size_t window, std::size_t c) {
                    double sum = -dc->at(window * config_.head_dim + c);
                    for (std::size_t r = 0; r < length(); ++r) sum += dv->at(at(window, r, c));
                    return Group{sum, std::fabs(dc->at(window * config_.head_dim + c))};
                  });
  }

  void ape_gauge() {
    const Tensor* y = probabilities();
    const Tensor* g = tensor(gradient(Name::weights));
    const Tensor* dp = tensor(gradient(Name::ape));
    if (y == nullptr || g == nullptr || dp == nullptr)
      return skip("ape_gauge", "weights, grad.weights or grad.ape is absent");
    const bool exact_pads = recipe_.pad.gate == "-inf" || recipe_.pad.gate == "exclude";
    if (!exact_pads || problem_.has(Name::prior_gate))
      return skip("ape_gauge", "holds for pads of -inf and without prior rows");
    const Slot slot = gradient(Name::ape);
    const std::size_t windows = config_.batch * config_.windows();
    const Name before = recipe_.pipeline == compressor::Pipeline::bias_first ? Name::biased : Name::logits;
    const double bound = cancel_bound() + stored(gradient(before)) + stored(slot) + summed(slot, windows);
    double residual = 0;
    for (std::size_t c = 0; c < config_.head_dim; ++c) {
      double sum = 0;
      for (std::size_t j = 0; j < config_.ratio * config_.halves(); ++j) sum += dp->at(j * config_.head_dim + c);
      double majorant = 0;
      for (std::size_t window = 0; window < windows; ++window) majorant += twice_weighted(*y, *g, window, c);
      const double slack = 2 * static_cast<double>(windows * length()) * smallest(slot);
      residual = worse(residual, relative_excess(std::fabs(sum) - slack, majorant));
    }
    add("ape_gauge", residual, bound);
  }

  void pooled_is_convex() {
    const Tensor* v = tensor(forward(Name::values));
    const Tensor* pooled = tensor(forward(Name::pooled));
    if (v == nullptr || pooled == nullptr) return skip("pooled_is_convex", "values or pooled is absent");
    const Slot slot = forward(Name::pooled);
    const double bound = mass_bound(Name::weights) + stored(forward(Name::weights)) + stored(forward(Name::products)) +
                         computed(forward(Name::products)) + summed(slot, length()) + stored(slot);
    over_channels("pooled_is_convex", bound, 2 * static_cast<double>(length()) * smallest(slot),
                  [&](std::size_t window, std::size_t c) {
                    double low = v->at(at(window, 0, c));
                    double high = low;
                    double largest = 0;
                    for (std::size_t r = 0; r < length(); ++r) {
                      const double value = v->at(at(window, r, c));
                      low = std::min(low, value);
                      high = std::max(high, value);
                      largest = std::max(largest, std::fabs(value));
                    }
                    const double entry = pooled->at(window * config_.head_dim + c);
                    if (std::isnan(entry)) return Group{entry, largest};
                    return Group{std::max({0.0, entry - high, low - entry}), largest};
                  });
  }

  void radial_gradient() {
    const Tensor* pooled = tensor(forward(Name::pooled));
    const Tensor* dc = tensor(gradient(Name::pooled));
    const Tensor* q = tensor(gradient(Name::normalized));
    const Tensor* mean_square = tensor(forward(Name::mean_square));
    if (pooled == nullptr || dc == nullptr || q == nullptr || mean_square == nullptr) {
      return skip("radial_gradient", "pooled, grad.pooled, grad.normalized or mean_square is absent");
    }
    const std::size_t d = config_.head_dim;
    const Slot slot = gradient(Name::pooled);
    const double bound = stored(slot) + 2 * stored(forward(Name::normalized)) + 2 * stored(forward(Name::mean_square)) +
                         8 * computed(slot) + 2 * summed(slot, d + 2) + 2 * summed(forward(Name::mean_square), d + 2);
    double residual = 0;
    for (std::size_t row = 0; row < config_.batch * config_.windows(); ++row) {
      const double rho = 1 / std::sqrt(mean_square->at(row) + config_.eps);
      double sum = 0;
      double projected = 0;
      double magnitude = 0;
      for (std::size_t c = row * d; c < (row + 1) * d; ++c) {
        sum += pooled->at(c) * dc->at(c);
        projected += q->at(c) * pooled->at(c);
        magnitude += std::fabs(q->at(c) * pooled->at(c));
      }
      const double relative = std::fabs(sum - rho * rho * rho * config_.eps * projected) / (2 * rho * magnitude);
      if (magnitude != 0 || sum != 0) residual = worse(residual, relative);
    }
    add("radial_gradient", residual, bound);
  }

  const Tape& tape_;
  const compressor::Problem& problem_;
  const compressor::Recipe& recipe_;
  compressor::Plan plan_;
  compressor::Config config_;
  std::vector<std::uint8_t> padded_;
  std::vector<Invariant> found_;
};

}  // namespace

std::vector<Invariant> check_invariants(const Tape& tape, const compressor::Problem& problem,
                                        const compressor::Recipe& recipe) {
  return Checker(tape, problem, recipe).run();
}

}  // namespace ulpscope::judge
