// SPDX-License-Identifier: Apache-2.0
// Local and inherited errors of rows; steps of an attribution gathered by stage.
#include "core/judge/owners.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/compressor/run.hpp"
#include "core/io/error.hpp"
#include "core/judge/attribution_sum.hpp"
#include "core/judge/bounds.hpp"
#include "core/judge/cast_reference.hpp"
#include "core/judge/dump.hpp"
#include "core/judge/sigma.hpp"
#include "precision/round_array.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Record;
using compressor::Slot;
using compressor::Tape;

/// A run's slot, its exact stage and its truth, element for element.
struct Split {
  Enclosure run;
  Enclosure stage;
  Enclosure truth;

  /// Finite in all three, or infinities that are equal.
  bool admits(std::size_t i) const {
    const bool finite = std::isfinite(run.value[i]) && std::isfinite(stage.value[i]) && std::isfinite(truth.value[i]);
    return finite || (run.value[i] == stage.value[i] && stage.value[i] == truth.value[i]);
  }
};

double relative(double square, double of) { return square == 0 ? 0 : std::sqrt(square / of); }

void measure_split(Row& row, const Split& split) {
  const Ruler ruler(precision::parse_format(row.format));
  const Difference local = difference(split.run, split.stage);
  const Difference inherited = difference(split.stage, split.truth);
  double of_local = 0;
  double of_inherited = 0;
  double of_truth = 0;
  double max_ulp = 0;
  for (std::size_t i = 0; i < local.value.size(); ++i) {
    if (!split.admits(i) || !std::isfinite(split.truth.value[i])) continue;
    of_local += local.value[i] * local.value[i];
    of_inherited += inherited.value[i] * inherited.value[i];
    of_truth += split.truth.value[i] * split.truth.value[i];
    const double tail = split.stage.tail.empty() ? 0 : split.stage.tail[i];
    max_ulp = std::max(max_ulp, ruler.distance(split.run.value[i], split.stage.value[i], tail));
  }
  row.local = LocalError{relative(of_local, of_truth), max_ulp};
  row.inherited = relative(of_inherited, of_truth);
}

/// The exact stage with its bounds as radii.
void judge_bound(Row& row, const Enclosure& run, const Enclosure& worst, const Enclosure& typical) {
  Bound bound;
  double of_worst = 0;
  double of_typical = 0;
  double of_stage = 0;
  std::size_t above = 0;
  for (std::size_t i = 0; i < run.value.size(); ++i) {
    if (!std::isfinite(run.value[i]) || !std::isfinite(worst.value[i]) || !std::isfinite(worst.radius[i])) continue;
    const double local = std::fabs(run.value[i] - worst.value[i]);
    of_worst += worst.radius[i] * worst.radius[i];
    of_typical += typical.radius[i] * typical.radius[i];
    of_stage += worst.value[i] * worst.value[i];
    if (local > 0) bound.ratio = std::max(bound.ratio, local / worst.radius[i]);
    above += !(local <= worst.radius[i]);
  }
  bound.worst_case = relative(of_worst, of_stage);
  bound.probabilistic = relative(of_typical, of_stage);
  row.bound = bound;
  if (above == 0 || row.status == Status::fail) return;
  row.status = Status::fail;
  row.reason = fmt::format(
      "{} of {} elements are farther from their exact stage than the recipe's roundings can take "
      "them",
      above, run.value.size());
}

/// ||run - truth|| over ||other - truth||; nothing where the other one has no error.
std::optional<double> ratio_of_errors(const Enclosure& run, const Enclosure& other, const Enclosure& truth) {
  const std::vector<double> run_error = difference(run, truth).value;
  const std::vector<double> other_error = difference(other, truth).value;
  double of_run = 0;
  double of_other = 0;
  for (std::size_t i = 0; i < run_error.size(); ++i) {
    if (!std::isfinite(run.value[i]) || !std::isfinite(other.value[i]) || !std::isfinite(truth.value[i])) continue;
    of_run += run_error[i] * run_error[i];
    of_other += other_error[i] * other_error[i];
  }
  return of_other > 0 ? std::optional(std::sqrt(of_run / of_other)) : std::nullopt;
}

void compare_with_casts(Row& row, const Split& split, const Enclosure& casts) {
  precision::Format format = precision::parse_format(row.format);
  format.mode = precision::RoundingMode::nearest_even;
  std::vector<double> rounded = split.truth.value;
  precision::round_array(rounded, rounded, format);
  row.vs_floor = ratio_of_errors(split.run, {split.run.shape, std::move(rounded), {}, {}}, split.truth);
  row.vs_cast_reference = ratio_of_errors(split.run, casts, split.truth);
}

/// As fine as the tier has it.
Enclosure truth_of(Slot slot, const Record& record, const Enclosures& finer) {
  const auto found = finer.find(slot);
  return found == finer.end() ? enclosure_of(record.tensor) : found->second;
}

/// Rows one after the other, so that one exact stage is held at a time, for the split and the bound.
class StageErrors {
 public:
  StageErrors(const Evidence& evidence, const Tape& truth, const Enclosures& finer)
      : evidence_(evidence),
        truth_(truth),
        finer_(finer),
        suffix_(suffix_recipe(evidence.recipe, evidence.problem.config)),
        casts_(cast_reference(evidence.problem, evidence.recipe, evidence.threads).tape),
        replayer_(evidence.problem, evidence.recipe, evidence.run, evidence.threads) {}

  /// The exact stage, whole, where the row was split.
  std::optional<Enclosure> split(Row& row) const {
    const Record* run = evidence_.run.find(row.slot);
    const Record* exact = truth_.find(row.slot);
    if (!row.tensor.empty() || !row.metrics || row.metrics->count == 0 || run == nullptr || exact == nullptr)
      return std::nullopt;
    Enclosures stage = evidence_.exact.run({evidence_.problem, suffix_, evidence_.run, {row.slot}, evidence_.threads});
    const auto found = stage.find(row.slot);
    if (found == stage.end()) return std::nullopt;  // the recipe does not compute it
    Split split{enclosure_of(run->tensor), found->second, truth_of(row.slot, *exact, finer_)};
    for (Enclosure* each : {&split.run, &split.stage, &split.truth}) crop(*each, row.shape);
    measure_split(row, split);
    if (const Record* reference = casts_.find(row.slot)) {
      Enclosure rounded = enclosure_of(reference->tensor);
      crop(rounded, row.shape);
      compare_with_casts(row, split, rounded);
    }
    return std::move(found->second);
  }

  void bound(Row& row, Enclosure stage) const {
    if (!replayer_.graph().computes(row.slot)) return;
    // Bounds are evaluated in fp64, on the exact stage in fp64.
    const bool in_fp64 = stage.radius.empty();
    const compressor::Tensor exact{stage.shape, std::move(stage.value), io::DType::f64};
    auto found = local_bounds(row.slot, replayer_, evidence_.run, in_fp64 ? &exact : nullptr);
    if (!found) {
      row.why_unbounded = why_unbounded(row.slot, replayer_, evidence_.run);
      return;
    }
    const compressor::Shape whole = compressor::shape_of(row.slot, replayer_.plan().config());
    Enclosure run = enclosure_of(evidence_.run.find(row.slot)->tensor);
    Enclosure worst{whole, found->exact, {}, std::move(found->worst)};
    Enclosure typical{whole, std::move(found->exact), {}, std::move(found->typical)};
    for (Enclosure* each : {&run, &worst, &typical}) crop(*each, row.shape);
    judge_bound(row, run, worst, typical);
  }

 private:
  const Evidence& evidence_;
  const Tape& truth_;
  const Enclosures& finer_;
  compressor::Recipe suffix_;
  Tape casts_;
  Replayer replayer_;
};

}  // namespace

void split_errors(RunReport& report, const Evidence& evidence, const Tape& truth, const Enclosures& finer) {
  const StageErrors errors(evidence, truth, finer);
  for (Row& row : report.rows) errors.split(row);
}

void split_and_bound_errors(RunReport& report, const Evidence& evidence, const Tape& truth, const Enclosures& finer) {
  const StageErrors errors(evidence, truth, finer);
  for (Row& row : report.rows) {
    std::optional<Enclosure> stage = errors.split(row);
    if (stage) errors.bound(row, std::move(*stage));
  }
}

void add_attribution(RunReport& report, const Evidence& evidence, const AttributionChoice& choice) {
  const Slot target = choice.target.value_or(compressor::forward(compressor::Name::output));
  if (!choice.target && !evidence.run.has(target)) return;
  if (evidence.problem.config.windows() == 0) return;
  try {
    report.attribution = attribute(evidence, target, choice.method);
  } catch (const InputError& refusal) {
    report.notes.emplace_back(refusal.what());
    return;
  }
  if (choice.method == AttributionMethod::switched)
    report.notes.push_back(fmt::format(
        "attribution by switch leaves {:.0f}% of the error of {}: a stage that is low alone, on exact inputs, rounds "
        "other numbers than it does in the run, so its share is another one's; the ladder's shares are the run's own",
        100 * report.attribution->residual, compressor::to_string(target)));
  for (const AttributionStep& step : report.attribution->steps) {
    for (Row& row : report.rows) {
      if (step.slot && row.tensor.empty() && row.slot == *step.slot) row.contribution = step.contribution;
    }
  }
}

void add_expectation(RunReport& report, const Evidence& evidence) {
  if (report.attribution)
    add_expected_shares(*report.attribution, evidence, deviations_of(evidence, report.attribution->target));
}

std::vector<Owner> owners_of(const Attribution& attribution) {
  std::vector<Owner> owners;
  for (const AttributionStep& step : attribution.steps) {
    auto found =
        std::find_if(owners.begin(), owners.end(), [&](const Owner& owner) { return owner.name == step.owner; });
    const bool first = found == owners.end();
    if (first) found = owners.insert(owners.end(), Owner{step.owner, {}, {}, step.contribution.radius, {}});
    if (step.slot) found->slots.push_back(*step.slot);
    if (step.expected) found->expected = found->expected.value_or(0) + *step.expected;
    if (!first)
      found->radius = found->radius && step.contribution.radius
                          ? std::optional(*found->radius + *step.contribution.radius)
                          : std::nullopt;
    if (step.contribution.share) found->share = found->share.value_or(0) + *step.contribution.share;
  }
  return owners;
}

}  // namespace ulpscope::judge
