// SPDX-License-Identifier: Apache-2.0
// The operations behind each slot, counted, and the bound that they give.
#include "core/judge/bounds.hpp"

#include <algorithm>
#include <cmath>

#include "core/judge/dump.hpp"
#include "precision/format.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Direction;
using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Slot;
using compressor::SlotArithmetic;
using compressor::Tape;
using compressor::Tensor;
using Doubles = std::vector<double>;

/// What errors are relative to.
enum class Majorant : std::uint8_t { value, terms };

/// The roundings behind a slot.
struct Count {
  double compute = 0;          ///< operations of the compute format
  double sum = 0;              ///< terms of a sum in the accumulator's
  double branches = 0;         ///< casts of addends
  double exp = 0;              ///< exponentials, in units of u_c
  double exp_of_argument = 0;  ///< further units of u_c per unit of |argument|: of exps that do not reduce it exactly
  Majorant of = Majorant::value;
};

/// In unit roundoffs of the result: half ulps.
double units_of(precision::Exp variant) {
  switch (variant) {
    case precision::Exp::correct:
      return 1;
    case precision::Exp::libm:
    case precision::Exp::glibc:
    case precision::Exp::sleef_u10:
      return 2;
    case precision::Exp::fast:
      return 2.4;
    case precision::Exp::xla_cpu:
    case precision::Exp::xla_ynn:
    case precision::Exp::cuda:
      return 4;
    case precision::Exp::cuda_fast:
      return 4;
  }
  return HUGE_VAL;
}

double units_of(const precision::ExpChoice& choice) {
  return choice.vector == 1 ? units_of(choice.full) : std::max(units_of(choice.full), units_of(choice.rest));
}

bool is_fast(const precision::ExpChoice& choice) {
  return choice.full == precision::Exp::cuda_fast || (choice.vector != 1 && choice.rest == precision::Exp::cuda_fast);
}

std::optional<Count> count_softmax(Slot slot, const SlotArithmetic& a) {
  switch (slot.name) {
    case Name::shifted:
      return Count{.compute = 1};
    case Name::exp:
      return Count{.exp = units_of(a.exp), .exp_of_argument = is_fast(a.exp) ? 2.4 : 0.};
    case Name::log_denominator:
      return Count{.compute = 2};
    case Name::softmax:
      return Count{.compute = 2};
    default:
      return Count{};  // row_max, weights: chosen or cast
  }
}

std::optional<Count> count_forward(Slot slot, const Replayer& replayer, const SlotArithmetic& a) {
  const double terms = static_cast<double>(replayer.terms_of(slot));
  const double products = a.compute_exact ? 0 : 1;
  switch (slot.name) {
    case Name::kv:
    case Name::gate:
      return Count{.compute = products, .sum = terms, .of = Majorant::terms};
    case Name::biased:
    case Name::logits:
      return Count{.compute = 1};
    case Name::values:
    case Name::padded_gate:
    case Name::output:
      return Count{};
    case Name::products:
    case Name::normed:
      return Count{.compute = 1};
    case Name::pooled:
      return Count{.sum = terms, .of = Majorant::terms};
    case Name::mean_square:
      return Count{.compute = 3, .sum = terms};
    case Name::normalized:
      return Count{.compute = 5};
    case Name::rotated:
      return Count{.compute = 2, .sum = 1, .branches = 1, .of = Majorant::terms};
    case Name::hadamard:
      return Count{.compute = 2 + std::log2(terms), .of = Majorant::terms};
    default:
      return std::nullopt;
  }
}

std::optional<Count> count_backward(Slot slot, const Replayer& replayer, const SlotArithmetic& a) {
  const double terms = static_cast<double>(replayer.terms_of(slot));
  const double products = a.compute_exact ? 0 : 1;
  const compressor::Graph& graph = replayer.graph();
  if (slot.name == Name::output) return Count{.compute = 1};
  if (slot.name == graph.last()) return Count{};
  if (graph.computes(gradient(Name::rotated)) && slot.name == graph.before(Name::rotated))
    return Count{.compute = 2, .sum = 1, .branches = 1, .of = Majorant::terms};
  if (graph.computes(gradient(Name::hadamard)) && slot.name == graph.before(Name::hadamard))
    return Count{.compute = 2 + std::log2(terms), .of = Majorant::terms};
  switch (slot.name) {
    case Name::normalized:
    case Name::weights:
    case Name::values:
      return Count{.compute = 1};
    case Name::gamma:
    case Name::w_kv:
    case Name::w_gate:
    case Name::hidden_kv:
    case Name::hidden_gate:
      return Count{.compute = products, .sum = terms, .of = Majorant::terms};
    case Name::ape:
      return Count{.compute = 1, .sum = terms, .of = Majorant::terms};
    case Name::pooled:
      return Count{.compute = 12, .sum = terms, .of = Majorant::terms};
    case Name::logits:
      return Count{.compute = 10, .sum = 2 * terms, .of = Majorant::terms};
    case Name::kv:
    case Name::gate:
    case Name::biased:
    case Name::padded_gate:
    case Name::hidden:
      return Count{.compute = 2, .branches = 1, .of = Majorant::terms};
    case Name::products:
      return Count{};
    default:
      return std::nullopt;
  }
}

bool is_tensor_core(const SlotArithmetic& a) { return a.summation.kind == precision::Summation::Kind::tensor_core; }

std::optional<Count> count_of(Slot slot, const Replayer& replayer, const compressor::Recipe& recipe) {
  const SlotArithmetic& a = replayer.plan().at(slot);
  if (is_tensor_core(a) || compressor::level_of(slot) == compressor::Level::table) return std::nullopt;
  if (slot.direction == Direction::backward) {
    if (slot == gradient(Name::logits) && a.max_gradient == compressor::MaxGradient::through) return std::nullopt;
    return count_backward(slot, replayer, a);
  }
  const bool softmax = replayer.plan().writer(slot) == compressor::Stage::softmax;
  const bool walked = compressor::is_online(recipe.softmax) && (softmax || slot == forward(Name::pooled));
  if (walked && slot != forward(Name::weights)) return std::nullopt;
  if (slot == forward(Name::softmax) && recipe.softmax == compressor::Softmax::log_softmax) return std::nullopt;
  if (slot == forward(Name::denominator))
    return Count{.sum = static_cast<double>(replayer.terms_of(slot)), .of = Majorant::value};
  return softmax ? count_softmax(slot, a) : count_forward(slot, replayer, a);
}

/// A rounding to nearest is off by u; to any side by 2 u.
double roundoff(const precision::Format& format) {
  const bool nearest =
      format.mode == precision::RoundingMode::nearest_even || format.mode == precision::RoundingMode::nearest_away;
  return (nearest ? 1 : 2) * precision::unit_roundoff(format);
}

/// What one operation may lose below the normal numbers.
double underflow(const precision::Format& format) {
  return format.flush_results || format.flush_inputs ? precision::min_normal(format) : precision::min_subnormal(format);
}

/// The VJPs whose sum stands beside a term of its own: add that one's size.
void add_own_terms(Doubles& majorant, Slot slot, const Tape& reads, const Replayer& replayer) {
  if (slot == gradient(Name::logits)) {
    const compressor::Record* y = reads.find(forward(Name::softmax));
    const Tensor& g = reads.find(gradient(Name::weights))->tensor;
    for (std::size_t i = 0; i < majorant.size(); ++i)
      majorant[i] += std::fabs(g.at(i)) * (y == nullptr ? 1 : std::fabs(y->tensor.at(i)));
  }
  const compressor::Config& config = replayer.plan().config();
  if (slot == gradient(Name::pooled) && config.norm) {
    const Tensor& q = reads.find(gradient(Name::normalized))->tensor;
    const Tensor& mean_square = reads.find(forward(Name::mean_square))->tensor;
    for (std::size_t i = 0; i < majorant.size(); ++i)
      majorant[i] += std::fabs(q.at(i)) / std::sqrt(mean_square.at(i / config.head_dim) + config.eps);
  }
}

/// One slot on the run's own inputs.
struct Step {
  Slot slot;
  Count count;
  const Replayer& replayer;
  Tape reads;
  Tensor exact;
};

Doubles majorant_of(const Step& step) {
  Doubles majorant = compressor::to_doubles(step.exact);
  if (step.count.of == Majorant::terms) {
    majorant = step.replayer.magnitude_of_terms(step.slot, step.reads, step.exact);
    add_own_terms(majorant, step.slot, step.reads, step.replayer);
    for (std::size_t i = 0; i < majorant.size(); ++i) majorant[i] = std::max(majorant[i], std::fabs(step.exact.at(i)));
  }
  for (double& value : majorant) value = std::fabs(value);
  return majorant;
}

/// Units of u_c that the exponential of each element may be off by.
Doubles exp_units(const Step& step) {
  Doubles units(step.exact.size(), step.count.exp);
  if (step.count.exp_of_argument == 0) return units;
  const Tensor& argument = step.reads.find(step.replayer.graph().reads(step.slot).front())->tensor;
  for (std::size_t i = 0; i < units.size(); ++i) units[i] += step.count.exp_of_argument * std::fabs(argument.at(i));
  return units;
}

/// The bound of one slot, element by element: `operations` and `terms` as they count.
Doubles bound_of(const Step& step, const Doubles& majorant, double operations, double terms) {
  const SlotArithmetic& a = step.replayer.plan().at(step.slot);
  const Count& count = step.count;
  const double compute = std::log1p(roundoff(a.compute));
  const double fixed = compute * operations + std::log1p(roundoff(a.accumulate)) * terms +
                       std::log1p(roundoff(a.branches)) * count.branches;
  const double lost = (1 + count.compute) * underflow(a.compute) + (count.sum + 1) * underflow(a.accumulate) +
                      (count.exp > 0 ? precision::min_normal(a.compute) : 0);
  // Of this and of the exact stage, in fp64.
  const double evaluation = (8 + count.compute + count.sum) * 0x1p-52;
  const Doubles units = exp_units(step);
  Doubles bound(majorant.size());
  for (std::size_t i = 0; i < bound.size(); ++i) {
    const double inner = std::expm1(fixed + compute * units[i]) * majorant[i] + lost;
    bound[i] = inner + roundoff(a.storage) * (std::fabs(step.exact.at(i)) + inner) + underflow(a.storage) +
               evaluation * majorant[i];
  }
  return bound;
}

/// Nothing where no roundings are counted, or the run does not hold what is read.
std::optional<Step> step_of(Slot slot, const Replayer& replayer, const Tape& run) {
  const std::optional<Count> count = count_of(slot, replayer, replayer.recipe());
  if (!count) return std::nullopt;
  for (const Slot read : replayer.graph().reads(slot)) {
    if (replayer.graph().computes(read) && !run.has(read)) return std::nullopt;
  }
  Tape reads = replayer.reads_of(slot);
  Tensor exact = replayer.exact(slot, reads);
  return Step{slot, *count, replayer, std::move(reads), std::move(exact)};
}

}  // namespace

std::optional<LocalBounds> local_bounds(Slot slot, const Replayer& replayer, const Tape& run) {
  const std::optional<Step> step = step_of(slot, replayer, run);
  if (!step) return std::nullopt;
  const Doubles majorant = majorant_of(*step);
  const Count& count = step->count;
  return LocalBounds{compressor::to_doubles(step->exact), bound_of(*step, majorant, count.compute, count.sum),
                     bound_of(*step, majorant, std::sqrt(count.compute), std::sqrt(count.sum))};
}

namespace {

/// 2 exp(-pi s) / (pi sqrt(s)) is what a normal law leaves beyond 6 sigma, 2e-9, at s = 5.95: z = s sqrt(6) = 14.6.
constexpr double long_tail = 14.6 / 6;

/// Variances of one element's inner roundings: of its operations and drifting sums, of sums that wander.
struct Variances {
  double plain = 0;
  double wandering = 0;
};

/// What the slot's stage rounds, element by element.
struct Rounded {
  Doubles majorant;
  Doubles squares;  ///< of the terms of sums that may cancel; others are their own majorant
  Doubles own;      ///< what stands beside the sum
};

Rounded rounded_in(const Step& step) {
  Rounded rounded{majorant_of(step), Doubles(step.exact.size(), 0), Doubles(step.exact.size(), 0)};
  if (step.count.of == Majorant::terms)
    rounded.squares = step.replayer.squares_of_terms(step.slot, step.reads, step.exact);
  add_own_terms(rounded.own, step.slot, step.reads, step.replayer);
  return rounded;
}

double square(double x) { return x * x; }

/// The variance of one rounding to a format, relative to the square of what is rounded.
double variance(const precision::Format& format) { return square(roundoff(format)) / 3; }

Variances variances_of(const Step& step, const Rounded& rounded, double exp_units, std::size_t i) {
  const SlotArithmetic& a = step.replayer.plan().at(step.slot);
  const Count& count = step.count;
  const bool terms = count.of == Majorant::terms;
  if (terms && rounded.squares[i] == 0 && rounded.own[i] == 0) return {};  // a channel that a rotation leaves alone
  const double value = std::fabs(step.exact.at(i));
  // Where more than the terms is rounded, all of it is taken as large as their absolute values.
  const double size = rounded.own[i] > 0 ? square(rounded.majorant[i]) : std::max(rounded.squares[i], square(value));
  const double operations = variance(a.compute) * (count.compute + square(exp_units)) * size +
                            variance(a.branches) * count.branches * square(rounded.majorant[i]);
  const double lost = (count.compute + count.exp) * underflow(a.compute) + count.sum * underflow(a.accumulate);
  const double adding = variance(a.accumulate) * count.sum;
  return {operations + adding * square(value + rounded.own[i]) + square(lost), adding * rounded.squares[i] / 6};
}

}  // namespace

std::optional<InnerDeviations> inner_deviations(Slot slot, const Replayer& replayer, const Tape& run) {
  const std::optional<Step> step = step_of(slot, replayer, run);
  if (!step) return std::nullopt;
  const Rounded rounded = rounded_in(*step);
  const Doubles units = exp_units(*step);
  InnerDeviations deviations{Doubles(step->exact.size()), Doubles(step->exact.size())};
  for (std::size_t i = 0; i < units.size(); ++i) {
    const Variances variances = variances_of(*step, rounded, units[i], i);
    deviations.rms[i] = std::sqrt(variances.plain + variances.wandering);
    deviations.wide[i] = std::sqrt(variances.plain + square(long_tail) * variances.wandering);
  }
  return deviations;
}

}  // namespace ulpscope::judge
