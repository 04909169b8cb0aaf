// SPDX-License-Identifier: Apache-2.0
// Dithered slots and what they make of the target.
#include "core/judge/sigma.hpp"

#include <algorithm>
#include <cmath>

#include "core/compressor/run.hpp"
#include "core/judge/attribution_bench.hpp"
#include "core/judge/bounds.hpp"
#include "core/judge/one_rounding.hpp"
#include "core/judge/ruler.hpp"
#include "precision/random.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Record;
using compressor::Slot;
using compressor::Tape;
using Doubles = std::vector<double>;

bool is_nearest(precision::RoundingMode mode) {
  return mode == precision::RoundingMode::nearest_even || mode == precision::RoundingMode::nearest_away;
}

/// The run minus the exact stage on the run's own inputs; 0 where either is not finite.
Doubles local_error(const Evidence& model, const compressor::Recipe& suffix, Slot slot) {
  const Enclosures stage = model.exact.run({model.problem, suffix, model.run, {slot}, model.threads});
  Doubles local = difference(enclosure_of(model.run.find(slot)->tensor), stage.at(slot)).value;
  for (double& value : local) value = std::isnan(value) ? 0 : value;
  return local;
}

/// h / sqrt(3) of the elements that change.
Doubles cast_deviations(const Record& record, const std::vector<std::uint8_t>& changed,
                        const precision::Format& format) {
  const Ruler ruler(format);
  const double part = (is_nearest(format.mode) ? .5 : 1) / std::sqrt(3.);
  Doubles out(record.tensor.size(), 0);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double value = record.tensor.at(i);
    if (changed[i] != 0 && std::isfinite(value)) out[i] = part * ruler.spacing(value);
  }
  return out;
}

double norm(const Doubles& values) {
  double square = 0;
  for (const double value : values) square += value * value;
  return std::sqrt(square);
}

/// Roundings of a sum differ by binades, so that its error has heavier tails than a normal one, the heavier the fewer
/// its terms (a kurtosis of 6 to 10 in fp32 projections of 16 to 64 terms): taken this much larger.
double heavy_tails(std::size_t terms) { return 1 + 3 / std::sqrt(std::max<double>(2, static_cast<double>(terms))); }

/// Whether what is added is rounded as coarsely as the result is stored.
bool is_coarse_inside(const compressor::SlotArithmetic& arithmetic) {
  const int inside = std::min(arithmetic.accumulate.precision, arithmetic.branches.precision);
  return inside <= arithmetic.storage.precision;
}

/// Adds to the casts what an honest local error of norm `local` has beyond them; of sums at least half of its square,
/// since the casts of sums that cancel say nothing of their terms.
void add_inner(Doubles& own, double local, const std::optional<Doubles>& shape, double tails) {
  const double of_cast = norm(own);
  const double beyond = std::max(local * local - of_cast * of_cast, shape ? local * local / 2 : 0);
  const double of_shape = shape ? norm(*shape) : of_cast;
  if (!(beyond > 0) || !(of_shape > 0) || !std::isfinite(of_shape)) return;
  const double more = tails * std::sqrt(beyond) / of_shape;
  for (std::size_t i = 0; i < own.size(); ++i) own[i] = std::hypot(own[i], more * (shape ? (*shape)[i] : own[i]));
}

/// Adds to the casts what a finer accumulator makes of K terms in any order: K roundings of partial sums as large as
/// `shape` says. A recipe may name an exact sum; who imitates it adds in an order of his own, which shows where terms
/// cancel to less than the spacing of their sum's format.
void add_fine_sum(Doubles& own, const Doubles& shape, const precision::Format& accumulate, std::size_t terms) {
  const double each = one_rounding * precision::unit_roundoff(accumulate);
  const double all = heavy_tails(terms) * std::sqrt(static_cast<double>(terms)) * each;
  for (std::size_t i = 0; i < own.size(); ++i) own[i] = std::hypot(own[i], all * shape[i]);
}

/// Uniform in (-1, 1), from the counter.
double uniform(Slot slot, std::size_t element) {
  const std::uint64_t bits = precision::random_bits({slot.index() + 1, element, 0x5157});
  return std::ldexp(static_cast<double>(bits >> 11), -52) - 1;
}

/// The mean square that noise in one slot makes of the target.
double pushed(const AttributionBench& bench, const Tape& truth, Slot slot, const Doubles& deviation) {
  const auto moved = bench.moved_by(slot);
  if (!moved[bench.target().index()]) return 0;
  const compressor::Tensor& exact = truth.find(slot)->tensor;
  Doubles noisy(exact.size());
  const bool table = compressor::level_of(slot) == compressor::Level::table;
  for (std::size_t i = 0; i < noisy.size(); ++i)
    noisy[i] = exact.at(i) + deviation[i] * (table ? 1 : std::sqrt(3.) * uniform(slot, i));
  Enclosure here{exact.shape, noisy, {}, {}};
  if (slot != bench.target()) {
    Tape given;
    for (const auto& [each, record] : truth.records()) {
      if (!moved[each.index()]) given.set(each, record.tensor, record.format);
    }
    given.set(slot, {exact.shape, std::move(noisy), io::DType::f64}, truth.find(slot)->format);
    compressor::RunOptions options;
    options.threads = bench.evidence().threads;
    const auto result =
        compressor::run_from(bench.evidence().problem, bench.suffix(), {given, {bench.target()}}, options);
    here = enclosure_of(result.tape.find(bench.target())->tensor);
  }
  const Difference moved_by_noise = difference(here, enclosure_of(truth.find(bench.target())->tensor));
  double square = 0;
  for (const double value : moved_by_noise.value) square += std::isnan(value) ? 0 : value * value;
  return square;
}

/// Which step of an attribution a slot's roundings belong to: the first that computes it.
std::map<Slot, std::size_t> steps_by_slot(const AttributionBench& bench, const Attribution& attribution) {
  std::map<Slot, std::size_t> steps;
  std::array<bool, compressor::slot_count> known{};
  for (std::size_t i = 0; i < attribution.steps.size(); ++i) {
    if (!attribution.steps[i].slot) continue;
    const Slot slot = *attribution.steps[i].slot;
    for (const Slot computed : bench.graph().need({slot}, known).compute) steps.emplace(computed, i);
    known[slot.index()] = true;
  }
  return steps;
}

double square_of_inputs(const AttributionBench& bench) {
  double square = 0;
  for (const double value : difference(bench.start(), bench.truth()).value)
    square += std::isnan(value) ? 0 : value * value;
  return square;
}

}  // namespace

Deviations deviations_of(const Evidence& evidence) {
  compressor::RunOptions options;
  options.threads = evidence.threads;
  const compressor::Run run = compressor::run_traced(evidence.problem, evidence.recipe, options);
  const Evidence model{evidence.problem, evidence.recipe, run.tape, evidence.exact, nullptr, evidence.threads};
  const compressor::Recipe suffix = suffix_recipe(model.recipe, model.problem.config);
  const CastReference reference = cast_reference(model.problem, model.recipe, model.threads);
  const Replayer replayer(model.problem, model.recipe, run.tape, model.threads);
  Deviations deviations;
  for (const auto& [slot, changed] : reference.changed) {
    if (compressor::level_of(slot) == compressor::Level::table) {
      deviations[slot] = local_error(model, suffix, slot);
      continue;
    }
    const std::optional<Doubles> sums = inner_errors(slot, replayer, run.tape);
    const compressor::SlotArithmetic& arithmetic = replayer.plan().at(slot);
    const std::optional<Doubles> shape = is_coarse_inside(arithmetic) ? sums : std::nullopt;
    std::vector<std::uint8_t> rounded = changed;
    for (std::size_t i = 0; shape && i < rounded.size(); ++i) rounded[i] = rounded[i] != 0 || (*shape)[i] > 0;
    Doubles own = cast_deviations(*reference.tape.find(slot), rounded,
                                  compressor::storage_format(slot, model.recipe, model.problem.config));
    add_inner(own, norm(local_error(model, suffix, slot)), shape, shape ? heavy_tails(replayer.terms_of(slot)) : 1);
    if (sums && !shape) add_fine_sum(own, *sums, arithmetic.accumulate, replayer.terms_of(slot));
    deviations[slot] = std::move(own);
  }
  return deviations;
}

void add_expected_shares(Attribution& attribution, const Evidence& evidence, const Deviations& deviations) {
  const AttributionBench bench(evidence, attribution.target);
  const Tape truth = bench.fp64_truth();
  std::vector<double> squares(attribution.steps.size(), 0);
  squares.front() = square_of_inputs(bench);
  for (const auto& [slot, step] : steps_by_slot(bench, attribution)) {
    const auto found = deviations.find(slot);
    if (found != deviations.end()) squares[step] += pushed(bench, truth, slot, found->second);
  }
  double total = 0;
  for (const double square : squares) total += square;
  if (!(total > 0)) return;
  for (std::size_t i = 0; i < squares.size(); ++i) attribution.steps[i].expected = squares[i] / total;
}

}  // namespace ulpscope::judge
