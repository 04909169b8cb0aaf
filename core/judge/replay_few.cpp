// SPDX-License-Identifier: Apache-2.0
// Which few single roundings on the way explain what fails: matching pursuit over runs drawn by lot.
#include <algorithm>
#include <cmath>

#include "core/judge/replay.hpp"
#include "core/judge/sigma_map.hpp"
#include "precision/random.hpp"

namespace ulpscope::judge {

using compressor::Slot;
using compressor::Tensor;
using Doubles = std::vector<double>;

namespace {

/// As many as one word of random bits holds: bit t of an element's word is its end in draw t.
constexpr unsigned draws = 64;
/// After these it is asked whether there is hope: the squares wanted are at most so many times the variance.
constexpr unsigned first_draws = 16;
constexpr double farthest = 32;
constexpr std::size_t most_turned = 8;
constexpr std::size_t most_tried = 8;
/// Of the sum of squares, after each turn.
constexpr double most_left = .75;
/// What is resembled: enough to tell one rounding from another.
constexpr std::size_t most_looked_at = 256;

/// +1: at the high end; -1: at the low one.
double side(std::uint64_t lots, unsigned draw) { return (lots >> draw & 1) != 0 ? 1 : -1; }

std::uint64_t lots_of(Slot source, std::size_t element) {
  return precision::random_bits({source.index() + 1, element, 0});
}

double dot(const Doubles& a, const Doubles& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

class Replayer::Search {
 public:
  Search(const Replayer& replayer, Slot slot, const std::vector<Unexplained>& elements)
      : replayer_(replayer), slot_(slot), elements_(elements), base_(replayer.value(slot)), shift_(base_.size()) {
    for (const Slot source : replayer.sums_on_the_way(slot)) add_source(source);
    look_at_worst();
  }

  Doubles run(std::size_t may_lean) {
    for (Source& source : sources_) draw(source, 0, first_draws);
    if (is_hopeless()) return {};
    for (Source& source : sources_) draw(source, first_draws, draws);
    for (Source& source : sources_) center(source);
    for (std::size_t turned = 0; turned < most_turned; ++turned) {
      if (!turn_best()) return {};
      if (is_explained(may_lean)) return shift_;
    }
    return {};
  }

 private:
  /// A sum on the way.
  struct Source {
    Slot slot;
    Sum sum;
    Doubles now;    ///< its values, some of them turned
    Doubles shift;  ///< what these make of the slot
    std::vector<Doubles>
        seen;  ///< draw by draw: deviations of the elements looked at, in ulps; at last less their mean
  };
  struct Turn {
    double likeness = 0;
    std::size_t source = 0;
    std::size_t element = 0;
    double to = 0;
  };

  void add_source(Slot slot) {
    Source source{slot, replayer_.own_freedom(slot, replayer_.value(slot)), {}, Doubles(base_.size()), {}};
    source.now = compressor::to_doubles(source.sum.value);
    sources_.push_back(std::move(source));
  }

  double left_at(const Unexplained& element) const {
    return (element.found - base_.at(element.element) - shift_[element.element]) / element.ulp;
  }

  void look_at_worst() {
    for (std::size_t k = 0; k < elements_.size(); ++k) looked_at_.push_back(k);
    std::stable_sort(looked_at_.begin(), looked_at_.end(), [this](std::size_t a, std::size_t b) {
      return std::fabs(left_at(elements_[a])) > std::fabs(left_at(elements_[b]));
    });
    looked_at_.resize(std::min(looked_at_.size(), most_looked_at));
  }

  Doubles left() const {
    Doubles left;
    for (const std::size_t k : looked_at_) left.push_back(left_at(elements_[k]));
    return left;
  }

  bool is_explained(std::size_t may_lean) const {
    std::size_t leaning = 0;
    for (const Unexplained& element : elements_) {
      const double shift = shift_[element.element];
      const bool near = std::fabs(left_at(element)) <= 1;
      if (!near && !(element.found >= element.low + shift && element.found <= element.high + shift)) return false;
      leaning += !near;
    }
    return leaning <= may_lean;
  }

  /// What values of a source make of the slot, beyond its replay.
  Doubles deviations(const Source& source, const Doubles& values) const {
    const Tensor there = replayer_.moved(slot_, source.slot, {source.sum.value.shape, values, io::DType::f64});
    Doubles out(base_.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      const double deviation = there.at(i) - base_.at(i);
      out[i] = std::isfinite(deviation) ? deviation : 0;
    }
    return out;
  }

  void draw(Source& source, unsigned first, unsigned end) const {
    for (unsigned draw = first; draw < end; ++draw) {
      Doubles values = source.sum.low;
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (side(lots_of(source.slot, i), draw) > 0) values[i] = source.sum.high[i];
      }
      const Doubles all = deviations(source, values);
      Doubles& seen = source.seen.emplace_back();
      for (const std::size_t k : looked_at_) seen.push_back(all[elements_[k].element] / elements_[k].ulp);
    }
  }

  static Doubles mean_of(const std::vector<Doubles>& seen) {
    Doubles mean(seen.front().size());
    for (const Doubles& one : seen) {
      for (std::size_t n = 0; n < mean.size(); ++n) mean[n] += one[n] / static_cast<double>(seen.size());
    }
    return mean;
  }

  static void center(Source& source) {
    const Doubles mean = mean_of(source.seen);
    for (Doubles& seen : source.seen) {
      for (std::size_t n = 0; n < mean.size(); ++n) seen[n] -= mean[n];
    }
  }

  /// A rounding that is drawn either way in k of 16 draws makes k (16 - k) / 256 of its square in their variance, 15 /
  /// 256 at least unless all of them agree; several that are unlike add up on both sides.
  bool is_hopeless() const {
    double variance = 0;
    for (const Source& source : sources_) {
      const Doubles mean = mean_of(source.seen);
      for (const Doubles& seen : source.seen) variance += dot(seen, seen) / first_draws;
      variance -= dot(mean, mean);
    }
    const Doubles wanted = left();
    return !(dot(wanted, wanted) <= farthest * variance);
  }

  /// Those that resemble what is left most. The mean over the draws of side times deviation is half of what an element
  /// makes between its ends.
  std::vector<Turn> likely() const {
    const Doubles wanted = left();
    std::vector<Turn> turns;
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      const Source& source = sources_[s];
      Doubles likeness;
      for (const Doubles& seen : source.seen) likeness.push_back(dot(seen, wanted));
      for (std::size_t i = 0; i < source.now.size(); ++i) {
        const double width = source.sum.high[i] - source.sum.low[i];
        if (!(width > 0)) continue;
        double sum = 0;
        for (unsigned draw = 0; draw < draws; ++draw) sum += side(lots_of(source.slot, i), draw) * likeness[draw];
        const double to = sum > 0 ? source.sum.high[i] : source.sum.low[i];
        turns.push_back({sum * (to - source.now[i]) / width, s, i, to});
      }
    }
    const std::size_t tried = std::min(turns.size(), most_tried);
    std::partial_sort(turns.begin(), turns.begin() + static_cast<std::ptrdiff_t>(tried), turns.end(),
                      [](const Turn& a, const Turn& b) { return a.likeness > b.likeness; });
    turns.resize(tried);
    return turns;
  }

  /// False: no turn leaves little enough.
  bool turn_best() {
    const Doubles before = left();
    double least = most_left * dot(before, before);
    std::optional<Turn> best;
    Doubles best_shift;
    for (const Turn& turn : likely()) {
      const Source& source = sources_[turn.source];
      Doubles values = source.now;
      values[turn.element] = turn.to;
      Doubles shift = deviations(source, values);
      double rest = 0;
      for (std::size_t n = 0; n < looked_at_.size(); ++n) {
        const Unexplained& element = elements_[looked_at_[n]];
        const double more = (shift[element.element] - source.shift[element.element]) / element.ulp;
        rest += (before[n] - more) * (before[n] - more);
      }
      if (!(rest < least)) continue;
      least = rest;
      best = turn;
      best_shift = std::move(shift);
    }
    if (best) take(*best, std::move(best_shift));
    return best.has_value();
  }

  void take(const Turn& turn, Doubles shift) {
    Source& source = sources_[turn.source];
    source.now[turn.element] = turn.to;
    for (std::size_t i = 0; i < shift_.size(); ++i) shift_[i] += shift[i] - source.shift[i];
    source.shift = std::move(shift);
  }

  const Replayer& replayer_;
  Slot slot_;
  const std::vector<Unexplained>& elements_;
  Tensor base_;
  Doubles shift_;  ///< what the turned elements add to the slot: deviations of sums add
  std::vector<std::size_t> looked_at_;
  std::vector<Source> sources_;
};

Doubles Replayer::shift_by_few(Slot slot, const std::vector<Unexplained>& elements, std::size_t may_lean) const {
  if (elements.empty() || !is_quick_to_run(plan_.config())) return {};
  return Search(*this, slot, elements).run(may_lean);
}

}  // namespace ulpscope::judge
