// SPDX-License-Identifier: Apache-2.0
// Bounds of softmax algorithms that exponentiate rounded differences: online softmax, log_softmax; and of a maximum
// that is differentiated. See softmax.md for the algorithms.
#include <algorithm>
#include <cmath>

#include "core/judge/bounds_parts.hpp"

namespace ulpscope::judge {
namespace {

using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Slot;
using compressor::SlotArithmetic;
using compressor::Tape;
using compressor::Tensor;
using Doubles = std::vector<double>;

/// Windows of [B, n, L, d]: element r of a window's column, and the column's own place in [B, n, d].
struct Columns {
  explicit Columns(const Tensor& windows) : rows(windows.shape[2]), channels(windows.shape[3]) {}
  std::size_t at(std::size_t column, std::size_t r) const {
    return (column / channels * rows + r) * channels + column % channels;
  }
  std::size_t rows;
  std::size_t channels;
};

/// What a walk over tiles does to one term: e^(l - m) is taken from the maximum of its tile and rescaled by each later
/// one, whose maxima lie between l and m. So of the exponent, with T tiles, s the state's rounding and u_c an
/// operation's: the state's roundings of maxima move it by at most T s max(|l|, |m|) (1 + s), those of differences by
/// u_c times their sum, m - l and twice what the states moved; each of at most T exponentials and T products is off by
/// its own.
class Walk {
 public:
  Walk(const Replayer& replayer, const SlotArithmetic& a, Luck luck)
      : state_(roundoff(replayer.plan().online().state)),
        tiles_(counted(std::ceil(static_cast<double>(replayer.plan().config().window_slots()) /
                                 static_cast<double>(replayer.plan().online().tile)),
                       luck)),
        compute_(roundoff(a.compute)),
        of_argument_(exp_units_of_argument(a.exp)) {
    const double terms = static_cast<double>(replayer.plan().config().window_slots());
    fixed_ = tiles_ * std::log1p(compute_) * exp_units(a.exp) +
             std::log1p(roundoff(a.accumulate)) * (tiles_ + counted(terms, luck)) + tiles_ * std::log1p(state_);
    const double state_floor = underflow(replayer.plan().online().state);
    lost_ = 2 * (terms + 1) * (precision::min_normal(a.compute) + underflow(a.accumulate) + state_floor);
  }

  /// The logarithm of a term's growth.
  double of_term(double logit, double maximum) const {
    const double moved = tiles_ * state_ * std::max(std::fabs(logit), std::fabs(maximum)) * (1 + state_);
    const double differences = std::fabs(maximum - logit) + 2 * moved;
    return fixed_ + moved + compute_ * (1 + of_argument_) * differences;
  }
  double of_maximum(double maximum) const { return state_ * tiles_ * std::fabs(maximum); }
  /// What all underflows of a window's walk may add to its sum.
  double lost() const { return lost_; }

 private:
  double state_;
  double tiles_;
  double compute_;
  double of_argument_;
  double fixed_ = 0;
  double lost_ = 0;
};

/// A slot of online softmax on the run's logits and values, with the exact weights.
struct Walked {
  const Replayer& replayer;
  const SlotArithmetic& arithmetic;
  const Tape& reads;
  Tensor exact;
  Tensor weights;  ///< y: the exact softmax of the run's logits
  Tensor maximum;
};

/// Of a mean of |weights y_r| with each term off by a growth: sum_r y_r size_r expm1(growth_r).
template <class Size>
double grown(const Walked& walked, const Walk& walk, std::size_t column, Size size) {
  const Columns columns(walked.weights);
  const Tensor& logits = walked.reads.find(forward(Name::logits))->tensor;
  double sum = 0;
  for (std::size_t r = 0; r < columns.rows; ++r) {
    const std::size_t i = columns.at(column, r);
    const double weight = walked.weights.at(i);
    if (weight > 0) sum += weight * size(i) * std::expm1(walk.of_term(logits.at(i), walked.maximum.at(column)));
  }
  return sum;
}

/// Before the cast.
double of_denominator(const Walked& walked, const Walk& walk, std::size_t column) {
  const double exact = std::fabs(walked.exact.at(column));
  return exact * grown(walked, walk, column, [](std::size_t) { return 1.; }) + walk.lost();
}

/// W / D: the terms of W by their own growth and a product's rounding, D by its growth, one division.
double of_pooled(const Walked& walked, const Walk& walk, std::size_t column, double total) {
  const Columns columns(walked.weights);
  const Tensor& values = walked.reads.find(forward(Name::values))->tensor;
  const double compute = roundoff(walked.arithmetic.compute);
  double size = 0;
  for (std::size_t r = 0; r < columns.rows; ++r) {
    const std::size_t i = columns.at(column, r);
    size += walked.weights.at(i) > 0 ? walked.weights.at(i) * std::fabs(values.at(i)) : 0;
  }
  const double lost = walk.lost() / total;
  double largest = 1;
  for (std::size_t r = 0; r < columns.rows; ++r)
    largest = std::max(largest, std::fabs(values.at(columns.at(column, r))));
  const double terms = grown(walked, walk, column, [&](std::size_t i) { return std::fabs(values.at(i)); });
  const double numerator = (size + terms) * (1 + compute) - size + lost * largest;
  const double denominator = grown(walked, walk, column, [](std::size_t) { return 1.; }) + lost;
  if (!(denominator < 1)) return HUGE_VAL;
  return ((size + numerator) / (1 - denominator) * (1 + compute) - size) + underflow(walked.arithmetic.compute);
}

/// Of what the fp64 stage itself may lose, in units of the majorant: exponentials of rounded differences, sums.
double evaluation(double argument, double terms) { return (16 + 2 * argument + 2 * terms) * 0x1p-52; }

Doubles walked_bound(const Walked& walked, Slot slot, const Tensor& totals, Luck luck) {
  const Walk walk(walked.replayer, walked.arithmetic, luck);
  const double terms = static_cast<double>(Columns(walked.weights).rows);
  Doubles bound(walked.exact.size());
  for (std::size_t column = 0; column < bound.size(); ++column) {
    const double exact = walked.exact.at(column);
    const double maximum = walked.maximum.at(column);
    double inner = 0;
    double size = std::fabs(exact);
    if (slot.name == Name::row_max) {
      inner = walk.of_maximum(maximum);
    } else if (slot.name == Name::denominator) {
      inner = of_denominator(walked, walk, column);
    } else {
      inner = of_pooled(walked, walk, column, totals.at(column));
      const Columns columns(walked.weights);
      const Tensor& values = walked.reads.find(forward(Name::values))->tensor;
      for (std::size_t r = 0; r < columns.rows; ++r) size = std::max(size, std::fabs(values.at(columns.at(column, r))));
    }
    bound[column] = with_cast(exact, inner, walked.arithmetic.storage) + evaluation(std::fabs(maximum), terms) * size;
  }
  return bound;
}

/// e^a / D of differences a that are rounded.
struct Quotients {
  Tensor exact;
  Doubles arguments;
  Doubles divisors;
};

/// The difference's rounding, the exponential, two operations.
Doubles exponential_bound(const Quotients& q, const SlotArithmetic& a, Luck luck) {
  const double compute = roundoff(a.compute);
  const double fixed = std::log1p(compute) * (exp_units(a.exp) + counted(2, luck));
  Doubles bound(q.exact.size());
  for (std::size_t i = 0; i < bound.size(); ++i) {
    const double argument = std::isfinite(q.arguments[i]) ? std::fabs(q.arguments[i]) : 0;
    const double growth = fixed + compute * argument * (1 + exp_units_of_argument(a.exp) * (1 + compute));
    const double lost =
        2 * precision::min_normal(a.compute) / std::min(1., std::fabs(q.divisors[i])) + underflow(a.compute);
    const double size = std::fabs(q.exact.at(i));
    bound[i] = with_cast(size, size * std::expm1(growth) + lost, a.storage) + evaluation(argument, 0) * size;
  }
  return bound;
}

LocalBounds softmax_bounds(Slot slot, const Replayer& replayer, const Tape& reads) {
  const bool is_log = reads.has(forward(Name::log_denominator));
  const Tensor& from = reads.find(forward(is_log ? Name::shifted : Name::logits))->tensor;
  const Tensor& anchors = reads.find(forward(is_log ? Name::log_denominator : Name::row_max))->tensor;
  const Columns columns(from);
  Quotients q{replayer.exact(slot, reads), Doubles(from.size()), Doubles(from.size(), 1)};
  for (std::size_t column = 0; column < anchors.size(); ++column) {
    for (std::size_t r = 0; r < columns.rows; ++r) {
      const std::size_t i = columns.at(column, r);
      // Guarded: -inf maxima act as 0.
      q.arguments[i] = from.at(i) - (std::isfinite(anchors.at(column)) ? anchors.at(column) : 0);
      if (!is_log) q.divisors[i] = reads.find(forward(Name::denominator))->tensor.at(column);
    }
  }
  const SlotArithmetic& a = replayer.plan().at(slot);
  return {compressor::to_doubles(q.exact), exponential_bound(q, a, Luck::worst),
          exponential_bound(q, a, Luck::typical)};
}

}  // namespace

std::optional<LocalBounds> walked_bounds(Slot slot, const Replayer& replayer, const Tape& reads) {
  const compressor::Softmax algorithm = replayer.recipe().softmax;
  const bool online = compressor::is_online(algorithm);
  if (slot.direction != compressor::Direction::forward) return std::nullopt;
  if (slot.name == Name::softmax && (online || algorithm == compressor::Softmax::log_softmax))
    return softmax_bounds(slot, replayer, reads);
  if (!online || (slot.name != Name::row_max && slot.name != Name::denominator && slot.name != Name::pooled))
    return std::nullopt;
  Tape logits;
  const compressor::Record& record = *reads.find(forward(Name::logits));
  logits.set(forward(Name::logits), record.tensor, record.format);
  const Walked walked{replayer,
                      replayer.plan().at(slot),
                      reads,
                      replayer.exact(slot, reads),
                      replayer.exact(forward(Name::softmax), logits),
                      replayer.exact(forward(Name::row_max), logits)};
  const Tensor totals = replayer.exact(forward(Name::denominator), logits);
  return LocalBounds{compressor::to_doubles(walked.exact), walked_bound(walked, slot, totals, Luck::worst),
                     walked_bound(walked, slot, totals, Luck::typical)};
}

void add_max_cotangent(Doubles& inner, const MaxCotangent& through) {
  const Columns columns(through.exact);
  const Tensor& logits = through.reads.find(forward(Name::logits))->tensor;
  const Tensor& maximum = through.reads.find(forward(Name::row_max))->tensor;
  const SlotArithmetic& a = through.arithmetic;
  const double compute = roundoff(a.compute);
  const double growth =
      std::expm1(sum_growth(a.summation, a.accumulate, static_cast<double>(columns.rows), through.luck));
  for (std::size_t column = 0; column < maximum.size(); ++column) {
    double sum = 0;
    double sizes = 0;
    double errors = 0;
    for (std::size_t r = 0; r < columns.rows; ++r) {
      const std::size_t i = columns.at(column, r);
      sum += through.exact.at(i);
      sizes += std::fabs(through.exact.at(i));
      errors += inner[i];
    }
    const double evaluation = static_cast<double>(columns.rows) * 0x1p-52 * sizes;
    // Divided by how many attain it: at least 1, counted without rounding up to where that does not matter.
    const double share = (std::fabs(sum) + errors + growth * (sizes + errors) + evaluation) * (1 + compute);
    for (std::size_t r = 0; r < columns.rows; ++r) {
      const std::size_t i = columns.at(column, r);
      if (logits.at(i) != maximum.at(column)) continue;
      inner[i] += share + compute * (std::fabs(through.exact.at(i)) + inner[i] + share) + underflow(a.compute);
    }
  }
}

}  // namespace ulpscope::judge
