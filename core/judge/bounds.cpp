// SPDX-License-Identifier: Apache-2.0
// The operations behind each slot, counted, and the bound that they give.
#include "core/judge/bounds.hpp"

#include <algorithm>
#include <cmath>

#include "core/judge/bounds_parts.hpp"

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

std::optional<Count> count_softmax(Slot slot, const SlotArithmetic& a) {
  switch (slot.name) {
    case Name::shifted:
      return Count{.compute = 1};
    case Name::exp:
      return Count{.exp = exp_units(a.exp), .exp_of_argument = exp_units_of_argument(a.exp)};
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
      return Count{.compute = a.rsqrt == compressor::Rsqrt::cuda ? 8. : 5.};
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
  const bool straight_through = graph.computes(gradient(Name::quantized)) && slot.name == graph.before(Name::quantized);
  if (slot.name == graph.last() || straight_through) return Count{};
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
    case Name::prior_kv:
    case Name::prior_gate:
    case Name::hidden:
      return Count{.compute = 2, .branches = 1, .of = Majorant::terms};
    case Name::products:
      return Count{};
    default:
      return std::nullopt;
  }
}

/// Of slots whose stage is a fixed number of operations; the others have bounds of their own, or none.
std::optional<Count> count_of(Slot slot, const Replayer& replayer) {
  const compressor::Recipe& recipe = replayer.recipe();
  const SlotArithmetic& a = replayer.plan().at(slot);
  if (compressor::level_of(slot) == compressor::Level::table) return std::nullopt;
  if (slot.direction == Direction::backward) return count_backward(slot, replayer, a);
  const bool softmax = replayer.plan().writer(slot) == compressor::Stage::softmax;
  const bool walked = compressor::is_online(recipe.softmax) && (softmax || slot == forward(Name::pooled));
  if (walked && slot != forward(Name::weights)) return std::nullopt;
  if (slot == forward(Name::softmax) && recipe.softmax == compressor::Softmax::log_softmax) return std::nullopt;
  if (slot == forward(Name::denominator))
    return Count{.sum = static_cast<double>(replayer.terms_of(slot)), .of = Majorant::value};
  return softmax ? count_softmax(slot, a) : count_forward(slot, replayer, a);
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
Doubles units_of_exp(const Step& step) {
  Doubles units(step.exact.size(), step.count.exp);
  if (step.count.exp_of_argument == 0) return units;
  const Tensor& argument = step.reads.find(step.replayer.graph().reads(step.slot).front())->tensor;
  for (std::size_t i = 0; i < units.size(); ++i) units[i] += step.count.exp_of_argument * std::fabs(argument.at(i));
  return units;
}

/// Its VJP reads the maximum: only automatic differentiation of a shifted softmax does.
bool goes_through_maximum(const Step& step) {
  return step.slot == gradient(Name::logits) && step.reads.has(forward(Name::row_max)) &&
         step.replayer.plan().at(step.slot).max_gradient == compressor::MaxGradient::through;
}

/// The bound of one slot, element by element.
Doubles bound_of(const Step& step, const Doubles& majorant, Luck luck) {
  const SlotArithmetic& a = step.replayer.plan().at(step.slot);
  const Count& count = step.count;
  const double compute = std::log1p(roundoff(a.compute));
  const double fixed = compute * counted(count.compute, luck) + sum_growth(a.summation, a.accumulate, count.sum, luck) +
                       std::log1p(roundoff(a.branches)) * count.branches;
  const double lost = (1 + count.compute) * underflow(a.compute) + (count.sum + 1) * underflow(a.accumulate) +
                      (count.exp > 0 ? precision::min_normal(a.compute) : 0);
  // Of this and of the exact stage, in fp64.
  const double evaluation = (8 + count.compute + count.sum) * 0x1p-52;
  const Doubles units = units_of_exp(step);
  Doubles bound(majorant.size());
  for (std::size_t i = 0; i < bound.size(); ++i) bound[i] = std::expm1(fixed + compute * units[i]) * majorant[i] + lost;
  if (goes_through_maximum(step)) add_max_cotangent(bound, {step.exact, step.reads, a, luck});
  for (std::size_t i = 0; i < bound.size(); ++i)
    bound[i] = with_cast(step.exact.at(i), bound[i], a.storage) + evaluation * majorant[i];
  return bound;
}

/// A slot that the stage of `slot` reads and the run does not hold.
std::optional<Slot> missing_read(Slot slot, const Replayer& replayer, const Tape& run) {
  for (const Slot read : replayer.graph().reads(slot)) {
    if (replayer.graph().computes(read) && !run.has(read)) return read;
  }
  return std::nullopt;
}

/// Nothing where no roundings are counted, or the run does not hold what is read.
std::optional<Step> step_of(Slot slot, const Replayer& replayer, const Tape& run, const Tensor* known) {
  const std::optional<Count> count = count_of(slot, replayer);
  if (!count || missing_read(slot, replayer, run)) return std::nullopt;
  Tape reads = replayer.reads_of(slot);
  Tensor exact = known != nullptr ? *known : replayer.exact(slot, reads);
  return Step{slot, *count, replayer, std::move(reads), std::move(exact)};
}

}  // namespace

std::optional<LocalBounds> local_bounds(Slot slot, const Replayer& replayer, const Tape& run, const Tensor* exact) {
  if (missing_read(slot, replayer, run)) return std::nullopt;
  if (const std::optional<Step> step = step_of(slot, replayer, run, exact)) {
    const Doubles majorant = majorant_of(*step);
    return LocalBounds{compressor::to_doubles(step->exact), bound_of(*step, majorant, Luck::worst),
                       bound_of(*step, majorant, Luck::typical)};
  }
  const Tape reads = replayer.reads_of(slot);
  if (std::optional<LocalBounds> table = table_bounds(slot, replayer, reads)) return table;
  if (std::optional<LocalBounds> blocks = quantized_bounds(slot, replayer, reads)) return blocks;
  return walked_bounds(slot, replayer, reads);
}

std::string why_unbounded(Slot slot, const Replayer& replayer, const Tape& run) {
  const std::optional<Slot> missing = missing_read(slot, replayer, run);
  if (!missing) return "no bound is stated of this stage";
  return "no bound: the run does not hold " + compressor::to_string(*missing) + ", which the stage reads";
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

Variances variances_of(const Step& step, const Rounded& rounded, double units, std::size_t i) {
  const SlotArithmetic& a = step.replayer.plan().at(step.slot);
  const Count& count = step.count;
  const bool terms = count.of == Majorant::terms;
  if (terms && rounded.squares[i] == 0 && rounded.own[i] == 0) return {};  // a channel that a rotation leaves alone
  const double value = std::fabs(step.exact.at(i));
  // Where more than the terms is rounded, all of it is taken as large as their absolute values.
  const double size = rounded.own[i] > 0 ? square(rounded.majorant[i]) : std::max(rounded.squares[i], square(value));
  const double operations = variance(a.compute) * (count.compute + square(units)) * size +
                            variance(a.branches) * count.branches * square(rounded.majorant[i]);
  const double lost = (count.compute + count.exp) * underflow(a.compute) + count.sum * underflow(a.accumulate);
  const double adding = variance(a.accumulate) * count.sum;
  return {operations + adding * square(value + rounded.own[i]) + square(lost), adding * rounded.squares[i] / 6};
}

}  // namespace

std::optional<InnerDeviations> inner_deviations(Slot slot, const Replayer& replayer, const Tape& run,
                                                const Tensor* exact) {
  const SlotArithmetic& a = replayer.plan().at(slot);
  const bool through = slot == gradient(Name::logits) && a.max_gradient == compressor::MaxGradient::through;
  const bool tensor_core = a.summation.kind == precision::Summation::Kind::tensor_core;
  const std::optional<Step> step = through || tensor_core ? std::nullopt : step_of(slot, replayer, run, exact);
  if (!step) {
    std::optional<LocalBounds> bounds = local_bounds(slot, replayer, run, exact);
    if (!bounds) return std::nullopt;
    return InnerDeviations{bounds->typical, bounds->typical};
  }
  const Rounded rounded = rounded_in(*step);
  const Doubles units = units_of_exp(*step);
  InnerDeviations deviations{Doubles(step->exact.size()), Doubles(step->exact.size())};
  for (std::size_t i = 0; i < units.size(); ++i) {
    const Variances variances = variances_of(*step, rounded, units[i], i);
    deviations.rms[i] = std::sqrt(variances.plain + variances.wandering);
    deviations.wide[i] = std::sqrt(variances.plain + square(long_tail) * variances.wandering);
  }
  return deviations;
}

}  // namespace ulpscope::judge
