// SPDX-License-Identifier: Apache-2.0
// Sums over windows in double, each against an allowance of its own.
#include "core/judge/invariants.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/compressor/evaluate.hpp"
#include "core/compressor/pad_names.hpp"
#include "core/judge/invariant_bounds.hpp"
#include "core/judge/worst_group.hpp"

namespace ulpscope::judge {
namespace {

using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Slot;
using compressor::Tape;
using compressor::Tensor;

class Checker {
 public:
  Checker(const Tape& tape, const compressor::Problem& problem, const compressor::Recipe& recipe,
          const Excuses& excuses)
      : tape_(tape),
        problem_(problem),
        recipe_(recipe),
        excuses_(excuses),
        plan_(recipe, problem.config),
        config_(plan_.config()),
        bounds_(recipe_, plan_),
        padded_(compressor::padded_slots(problem, config_, recipe)),
        logits_(values_of(forward(Name::logits))),
        denominator_(values_of(forward(Name::denominator))),
        softmax_mass_(bounds_.mass(Name::softmax, {})),
        weights_mass_(bounds_.mass(Name::weights, {})) {}

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
  /// A slot's values, and which of them may be NaN or infinite.
  struct Values {
    const Tensor* tensor = nullptr;
    const Tensor* truth = nullptr;
    bool explained = false;

    double at(std::size_t i) const { return tensor->at(i); }
    bool excused(std::size_t i) const {
      if (truth != nullptr && !std::isfinite(truth->at(i))) return true;
      return explained && !std::isfinite(tensor->at(i));
    }
    explicit operator bool() const { return tensor != nullptr; }
  };
  Values values_of(Slot slot) const {
    const compressor::Record* record = tape_.find(slot);
    if (record == nullptr) return {};
    const compressor::Record* truth = excuses_.truth == nullptr ? nullptr : excuses_.truth->find(slot);
    const bool same = truth != nullptr && truth->tensor.size() == record->tensor.size();
    return {&record->tensor, same ? &truth->tensor : nullptr, excuses_.explained.contains(slot)};
  }

  struct Place {
    std::size_t window = 0;
    std::size_t channel = 0;
  };
  std::size_t length() const { return config_.window_slots(); }
  std::size_t windows() const { return config_.batch * config_.windows(); }
  std::size_t at(Place place, std::size_t r) const {
    return (place.window * length() + r) * config_.head_dim + place.channel;
  }
  std::size_t entry(Place place) const { return place.window * config_.head_dim + place.channel; }
  bool excused(const Values& values, Place place) const {
    for (std::size_t r = 0; r < length(); ++r) {
      if (values.excused(at(place, r))) return true;
    }
    return false;
  }
  double largest(const Values& values, Place place) const {
    double magnitude = 0;
    for (std::size_t r = 0; r < length(); ++r) magnitude = std::max(magnitude, std::fabs(values.at(at(place, r))));
    return magnitude;
  }

  /// A window without a token obeys nothing. where_post gives its pads weight 0 after the sum: unless their
  /// exponentials were 0 already, what is left does not sum to 1.
  bool is_judged(std::size_t window) const {
    const auto first = padded_.begin() + static_cast<std::ptrdiff_t>(window * length());
    const auto pads = static_cast<std::size_t>(std::count(first, first + static_cast<std::ptrdiff_t>(length()), 1));
    const bool loses_mass = recipe_.softmax == compressor::Softmax::where_post && !has_exact_pads();
    return pads != length() && (pads == 0 || !loses_mass);
  }
  bool has_exact_pads() const { return compressor::is_exact_pad(recipe_.pad.gate); }

  /// Nothing: the sum has an excused element, or a value that a format clamps.
  using Measure = std::function<std::optional<Group>(Place)>;
  void over_channels(const std::string& name, const Measure& measure) {
    WorstGroup worst;
    for (std::size_t window = 0; window < windows(); ++window) {
      if (!is_judged(window)) continue;
      for (std::size_t c = 0; c < config_.head_dim; ++c) {
        if (const auto group = measure({window, c})) worst.take(*group);
      }
    }
    found_.push_back(worst.result(name));
  }
  void skip(const std::string& name, const std::string& reason) {
    found_.push_back({name, std::nan(""), std::nan(""), Status::skipped, reason});
  }

  Name probabilities() const { return tape_.has(forward(Name::softmax)) ? Name::softmax : Name::weights; }
  std::vector<double> finite_logits(Place place) const {
    std::vector<double> finite;
    for (std::size_t r = 0; r < length(); ++r) {
      const double value = logits_.at(at(place, r));
      if (std::isfinite(value)) finite.push_back(value);
    }
    return finite;
  }
  /// How far the probabilities of a place may be from adding up to 1; infinite where a slot is missing that says it.
  double mass(Name name, Place place) const {
    if (compressor::is_online(recipe_.softmax)) return logits_ ? bounds_.mass(name, finite_logits(place)) : HUGE_VAL;
    const bool naive = recipe_.softmax == compressor::Softmax::naive;  // nothing keeps its sum from overflowing
    if (naive && !(denominator_ && std::isfinite(denominator_.at(entry(place))))) return HUGE_VAL;
    return name == Name::softmax ? softmax_mass_ : weights_mass_;
  }

  void softmax_sums_to_one() {
    const Name name = probabilities();
    const Values w = values_of(forward(name));
    if (!w) return skip("softmax_sums_to_one", "neither softmax nor weights is there");
    over_channels("softmax_sums_to_one", [&](Place place) -> std::optional<Group> {
      if (excused(w, place)) return std::nullopt;
      double sum = 0;
      for (std::size_t r = 0; r < length(); ++r) sum += w.at(at(place, r));
      return Group{sum - 1, 1, mass(name, place)};
    });
  }

  /// What the VJP of the softmax reads; its own fresh value where the dump does not hold what it read.
  struct Vjp {
    Name name = Name::softmax;
    Values y;
    Values g;
    explicit operator bool() const { return y && g; }
  };
  Vjp softmax_vjp() const {
    const bool stored = plan_.at(gradient(Name::logits)).saved == compressor::Saved::stored;
    const Name name = stored ? Name::weights : probabilities();
    return {name, values_of(forward(name)), values_of(gradient(Name::weights))};
  }

  /// The sum of a window's grad.logits: terms y g and y s, s = sum y g, each rounded a few times, and s times what y
  /// lacks to 1.
  Group cancelling(const Vjp& vjp, Place place) const {
    double terms = 0;
    for (std::size_t r = 0; r < length(); ++r) terms += std::fabs(vjp.y.at(at(place, r)) * vjp.g.at(at(place, r)));
    const double lost = mass(vjp.name, place);
    const double underflow = 4 * static_cast<double>(length()) * bounds_.tiny(gradient(Name::logits)) *
                             std::max({1.0, largest(vjp.g, place), terms});
    return {0, 2 * terms, 2 * terms * bounds_.softmax_vjp() * (1 + lost) + terms * lost + underflow};
  }

  void logit_gradients_cancel() {
    const Vjp vjp = softmax_vjp();
    const Values dz = values_of(gradient(Name::logits));
    if (!vjp || !dz) return skip("logit_gradients_cancel", "weights, grad.weights or grad.logits is absent");
    over_channels("logit_gradients_cancel", [&](Place place) -> std::optional<Group> {
      if (excused(vjp.y, place) || excused(vjp.g, place) || excused(dz, place)) return std::nullopt;
      Group group = cancelling(vjp, place);
      if (bounds_.clamps(2 * std::max(largest(vjp.g, place), group.majorant), {gradient(Name::logits)}))
        return std::nullopt;
      for (std::size_t r = 0; r < length(); ++r) group.violation += dz.at(at(place, r));
      return group;
    });
  }

  void value_gradients_sum() {
    const Values dv = values_of(gradient(Name::values));
    const Values dc = values_of(gradient(Name::pooled));
    if (!dv || !dc) return skip("value_gradients_sum", "grad.values or grad.pooled is absent");
    const Slot products = gradient(Name::products);
    const Slot slot = gradient(Name::values);
    over_channels("value_gradients_sum", [&](Place place) -> std::optional<Group> {
      if (excused(dv, place) || dc.excused(entry(place))) return std::nullopt;
      const double whole = std::fabs(dc.at(entry(place)));
      if (bounds_.clamps(whole, {products, slot})) return std::nullopt;
      double sum = -dc.at(entry(place));
      for (std::size_t r = 0; r < length(); ++r) sum += dv.at(at(place, r));
      const double lost = mass(Name::weights, place);
      const double relative = lost + (1 + lost) * (bounds_.stored(products) + bounds_.computed(products) +
                                                   2 * bounds_.stored(slot) + 2 * bounds_.computed(slot));
      const double underflow = static_cast<double>(length()) * bounds_.tiny(slot) + (1 + lost) * bounds_.tiny(products);
      return Group{sum, whole, whole * relative + underflow * std::max(1.0, whole)};
    });
  }

  /// A channel of grad.ape: all windows' grad.logits, rounded on their way and added.
  std::optional<Group> gauge(const Vjp& vjp, const Values& dp, std::size_t c) const {
    const std::size_t rows = config_.ratio * config_.halves();
    Group all;
    for (std::size_t j = 0; j < rows; ++j) {
      if (dp.excused(j * config_.head_dim + c)) return std::nullopt;
      all.violation += dp.at(j * config_.head_dim + c);
    }
    for (std::size_t window = 0; window < windows(); ++window) {
      if (!is_judged(window)) continue;
      const Place place{window, c};
      if (excused(vjp.y, place) || excused(vjp.g, place)) return std::nullopt;
      const Group one = cancelling(vjp, place);
      all.majorant += one.majorant;
      all.allowance += one.allowance;
    }
    const Slot slot = gradient(Name::ape);
    const bool bias_first = recipe_.pipeline == compressor::Pipeline::bias_first;
    const Slot before = gradient(bias_first ? Name::biased : Name::logits);
    if (bounds_.clamps(2 * all.majorant, {slot, before, gradient(Name::logits)})) return std::nullopt;
    const double relative = bounds_.stored(before) + bounds_.computed(before) + bounds_.stored(slot) +
                            bounds_.computed(slot) + bounds_.summed(slot, windows() + 2);
    all.allowance += (all.majorant + all.allowance) * relative +
                     static_cast<double>(windows() * length()) * (bounds_.tiny(before) + bounds_.tiny(slot));
    return all;
  }

  void ape_gauge() {
    const Vjp vjp = softmax_vjp();
    const Values dp = values_of(gradient(Name::ape));
    if (!vjp || !dp) return skip("ape_gauge", "weights, grad.weights or grad.ape is absent");
    if (!has_exact_pads() || problem_.has(Name::prior_gate))
      return skip("ape_gauge", "holds for pads of -inf and without prior rows");
    WorstGroup worst;
    for (std::size_t c = 0; c < config_.head_dim; ++c) {
      if (const auto group = gauge(vjp, dp, c)) worst.take(*group);
    }
    found_.push_back(worst.result("ape_gauge"));
  }

  /// Relative to the largest value: weights that do not add up to 1, rounded products, their rounded sum.
  double convex_bound(Place place) const {
    const Slot products = forward(Name::products);
    const Slot slot = forward(Name::pooled);
    const double lost = mass(Name::weights, place);
    if (!compressor::is_online(recipe_.softmax)) {
      const double rounded = bounds_.stored(products) + bounds_.computed(products) + bounds_.summed(slot, length() + 2);
      return lost + (1 + lost) * (rounded * (1 + rounded) + bounds_.stored(slot));
    }
    if (!logits_) return HUGE_VAL;
    return 2 * bounds_.online_scan(finite_logits(place)) + 4 * bounds_.computed(slot) + bounds_.stored(slot);
  }

  void pooled_is_convex() {
    const Values v = values_of(forward(Name::values));
    const Values pooled = values_of(forward(Name::pooled));
    if (!v || !pooled) return skip("pooled_is_convex", "values or pooled is absent");
    const Slot slot = forward(Name::pooled);
    over_channels("pooled_is_convex", [&](Place place) -> std::optional<Group> {
      if (excused(v, place) || pooled.excused(entry(place))) return std::nullopt;
      const double magnitude = largest(v, place);
      if (bounds_.clamps(magnitude, {forward(Name::products), slot})) return std::nullopt;
      double low = v.at(at(place, 0));
      double high = low;
      for (std::size_t r = 1; r < length(); ++r) {
        low = std::min(low, v.at(at(place, r)));
        high = std::max(high, v.at(at(place, r)));
      }
      const double found = pooled.at(entry(place));
      const double underflow =
          static_cast<double>(length()) * (bounds_.tiny(forward(Name::products)) + bounds_.tiny(slot));
      const double outside = std::isnan(found) ? found : std::max({0.0, found - high, low - found});
      return Group{outside, magnitude, magnitude * convex_bound(place) + underflow * std::max(1.0, magnitude)};
    });
  }

  /// The slots of one entry's norm.
  struct Norm {
    Values pooled;
    Values dc;
    Values q;
    Values mean_square;
    explicit operator bool() const { return pooled && dc && q && mean_square; }
  };

  std::optional<Group> radial(const Norm& norm, std::size_t row) const {
    const std::size_t d = config_.head_dim;
    if (norm.mean_square.excused(row)) return std::nullopt;
    const double square = norm.mean_square.at(row);
    const double rho = 1 / std::sqrt(square + config_.eps);
    Group group;
    double magnitudes = 0;
    double projected = 0;
    double largest = 0;
    for (std::size_t c = row * d; c < (row + 1) * d; ++c) {
      if (norm.pooled.excused(c) || norm.dc.excused(c) || norm.q.excused(c)) return std::nullopt;
      const double term = norm.q.at(c) * norm.pooled.at(c);
      group.violation += norm.pooled.at(c) * norm.dc.at(c);
      group.majorant += 2 * rho * std::fabs(term);
      projected += term;
      magnitudes += std::fabs(norm.pooled.at(c));
      largest = std::max(largest, std::fabs(norm.q.at(c)));
    }
    group.violation -= rho * rho * rho * config_.eps * projected;
    largest *= std::max(1.0, rho);
    const Slot slot = gradient(Name::pooled);
    const Slot unit = forward(Name::normalized);
    const Slot mean = forward(Name::mean_square);
    if (bounds_.clamps(static_cast<double>(d) * std::max(largest, square), {slot, unit, mean})) return std::nullopt;
    const double underflow = 4 * magnitudes * (bounds_.tiny(slot) + bounds_.tiny(unit)) * std::max(1.0, largest);
    group.allowance = group.majorant * norm_bound(square) + underflow;
    return group;
  }

  double norm_bound(double square) const {
    const Slot slot = gradient(Name::pooled);
    const Slot unit = forward(Name::normalized);
    const Slot mean = forward(Name::mean_square);
    const std::size_t terms = config_.head_dim + 2;
    // What underflow, of squares and of eps itself, may move mean_square + eps by.
    const double shift = (2 * bounds_.tiny(mean) + bounds_.tiny(slot) + bounds_.tiny(unit)) / (square + config_.eps);
    return bounds_.stored(slot) + 2 * bounds_.stored(unit) + 2 * bounds_.computed(unit) + 2 * bounds_.stored(mean) +
           8 * bounds_.computed(slot) + 2 * bounds_.summed(slot, terms) + 2 * bounds_.summed(mean, terms) + 2 * shift;
  }

  void radial_gradient() {
    const Norm norm{values_of(forward(Name::pooled)), values_of(gradient(Name::pooled)),
                    values_of(gradient(Name::normalized)), values_of(forward(Name::mean_square))};
    if (!norm) return skip("radial_gradient", "pooled, grad.pooled, grad.normalized or mean_square is absent");
    WorstGroup worst;
    for (std::size_t row = 0; row < windows(); ++row) {
      const auto group = is_judged(row) ? radial(norm, row) : std::nullopt;
      if (group) worst.take(*group);
    }
    found_.push_back(worst.result("radial_gradient"));
  }

  const Tape& tape_;
  const compressor::Problem& problem_;
  const compressor::Recipe& recipe_;
  const Excuses& excuses_;
  compressor::Plan plan_;
  compressor::Config config_;
  InvariantBounds bounds_;
  std::vector<std::uint8_t> padded_;
  Values logits_;
  Values denominator_;
  double softmax_mass_;
  double weights_mass_;
  std::vector<Invariant> found_;
};

}  // namespace

std::vector<Invariant> check_invariants(const Tape& tape, const compressor::Problem& problem,
                                        const compressor::Recipe& recipe, const Excuses& excuses) {
  return Checker(tape, problem, recipe, excuses).run();
}

}  // namespace ulpscope::judge
