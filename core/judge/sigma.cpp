// SPDX-License-Identifier: Apache-2.0
// Dithered slots and what they make of the target.
#include "core/judge/sigma.hpp"

#include <algorithm>
#include <cmath>

#include "core/compressor/run.hpp"
#include "core/judge/attribution_bench.hpp"
#include "core/judge/bounds.hpp"
#include "core/judge/ruler.hpp"
#include "precision/random.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Record;
using compressor::Slot;
using compressor::Tape;
using Doubles = std::vector<double>;

/// Of the counter, for expected shares; the sigma map's draws are counted from 0.
constexpr std::uint64_t one_draw = 0x5157;

bool is_nearest(precision::RoundingMode mode) {
  return mode == precision::RoundingMode::nearest_even || mode == precision::RoundingMode::nearest_away;
}

/// The run minus the exact stage on the run's own inputs; 0 where either is not finite.
Doubles local_error(const compressor::Tensor& run, const compressor::Tensor& exact) {
  Doubles local = difference(enclosure_of(run), enclosure_of(exact)).value;
  for (double& each : local) each = std::isnan(each) ? 0 : each;
  return local;
}

/// h / sqrt(3) of the elements that the cast changes, or may change: those that the stage has rounded before.
Doubles cast_deviations(const compressor::Tensor& tensor, const precision::Format& format,
                        const std::vector<std::uint8_t>* changed, const std::optional<InnerDeviations>& inner) {
  const Ruler ruler(format);
  const double part = (is_nearest(format.mode) ? .5 : 1) / std::sqrt(3.);
  Doubles out(tensor.size(), 0);
  if (changed == nullptr) return out;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double value = tensor.at(i);
    const bool rounded = (*changed)[i] != 0 || (inner && inner->rms[i] > 0);
    if (rounded && std::isfinite(value)) out[i] = part * ruler.spacing(value);
  }
  return out;
}

double norm(const Doubles& values) {
  double square = 0;
  for (const double value : values) square += value * value;
  return std::sqrt(square);
}

void add(Doubles& own, double factor, const Doubles& other) {
  for (std::size_t i = 0; i < own.size(); ++i) own[i] = std::hypot(own[i], factor * other[i]);
}

/// Casts, and what a local error of norm `local` has beyond them; without a count of roundings, of any order as well.
Deviation deviation_of(Doubles casts, double local, const std::optional<InnerDeviations>& inner) {
  Deviation deviation{casts, casts};
  const double of_casts = norm(casts);
  const double of_inner = inner ? norm(inner->rms) : of_casts;
  const double beyond = local * local - of_casts * of_casts;
  if (beyond > 0 && of_inner > 0 && std::isfinite(of_inner))
    add(deviation.own, std::sqrt(beyond) / of_inner, inner ? inner->rms : casts);
  if (inner)
    add(deviation.any, 1, inner->wide);
  else
    deviation.any = deviation.own;
  return deviation;
}

/// The mean square that noise in one slot makes of the target.
double pushed(const AttributionBench& bench, const Tape& truth, Slot slot, const Doubles& deviation) {
  const auto moved = bench.moved_by(slot);
  if (!moved[bench.target().index()]) return 0;
  const compressor::Tensor& exact = truth.find(slot)->tensor;
  Doubles noisy(exact.size());
  const bool table = compressor::level_of(slot) == compressor::Level::table;
  for (std::size_t i = 0; i < noisy.size(); ++i)
    noisy[i] = exact.at(i) + deviation[i] * (table ? 1 : unit_noise(slot, i, one_draw));
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

double unit_noise(Slot slot, std::size_t element, std::uint64_t draw) {
  const std::uint64_t bits = precision::random_bits({slot.index() + 1, element, draw});
  return std::sqrt(3.) * (std::ldexp(static_cast<double>(bits >> 11), -52) - 1);
}

Tape own_run(const Evidence& evidence, std::optional<Slot> target) {
  if (evidence.own != nullptr) return *evidence.own;
  compressor::RunOptions options;
  options.threads = evidence.threads;
  options.gradients = gradients_for(target);
  return compressor::run_traced(evidence.problem, evidence.recipe, options).tape;
}

Deviations deviations_of(const Evidence& evidence, std::optional<Slot> target) {
  const compressor::Problem& problem = evidence.problem;
  const compressor::Recipe& recipe = evidence.recipe;
  const Tape run = own_run(evidence, target);
  const CastReference reference = cast_reference(problem, recipe, evidence.threads, gradients_for(target));
  const Replayer replayer(problem, recipe, run, evidence.threads);
  Deviations deviations;
  const std::vector<Slot> slots = target ? replayer.graph().need({*target}, {}).compute : replayer.graph().order();
  for (const Slot slot : slots) {
    const Record* record = reference.tape.find(slot);
    if (record == nullptr) continue;  // its truth knows other slots
    const compressor::Tensor exact = replayer.exact(slot, replayer.reads_of(slot));
    const Doubles local = local_error(run.find(slot)->tensor, exact);
    if (compressor::level_of(slot) == compressor::Level::table) {
      deviations[slot] = {local, local};
      continue;
    }
    const auto changed = reference.changed.find(slot);
    const auto inner = inner_deviations(slot, replayer, run, &exact);
    Doubles casts = cast_deviations(record->tensor, compressor::storage_format(slot, recipe, problem.config),
                                    changed == reference.changed.end() ? nullptr : &changed->second, inner);
    Deviation deviation = deviation_of(std::move(casts), norm(local), inner);
    if (norm(deviation.any) > 0) deviations[slot] = std::move(deviation);
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
    if (found != deviations.end()) squares[step] += pushed(bench, truth, slot, found->second.own);
  }
  double total = 0;
  for (const double square : squares) total += square;
  if (!(total > 0)) return;
  for (std::size_t i = 0; i < squares.size(); ++i) attribution.steps[i].expected = squares[i] / total;
}

}  // namespace ulpscope::judge
