// SPDX-License-Identifier: Apache-2.0
// Targets and their truths; parts gathered into an attribution.
#include "core/judge/attribution_bench.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/compressor/run.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/judge/truth.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Name;
using compressor::Recipe;
using compressor::Slot;
using compressor::Tape;

bool same_but_for_name(const Recipe& a, const Recipe& b) {
  io::Json first = a.spec;
  io::Json second = b.spec;
  first.erase("name");
  second.erase("name");
  return first == second;
}

}  // namespace

AttributionBench::AttributionBench(const Evidence& evidence, Slot target)
    : evidence_(evidence),
      target_(target),
      suffix_(suffix_recipe(evidence.recipe, evidence.problem.config)),
      plan_(suffix_, evidence.problem.config),
      graph_(suffix_, plan_, {evidence.problem.has(Name::prior_kv) && evidence.problem.has(Name::prior_gate)}) {
  if (!graph_.computes(target))
    throw InputError(fmt::format("--target {}: recipe '{}' does not compute it",
                                 io::in_quotes(compressor::to_string(target)), evidence.recipe.name));
  if (!evidence.run.has(target))
    throw InputError(fmt::format("--target {}: the run does not hold it; it holds: {}",
                                 io::in_quotes(compressor::to_string(target)), held()));
  run_ = enclosure_of(evidence.run.find(target)->tensor);
  if (evidence.partial != nullptr && evidence.partial->contains(target)) crop(run_, evidence.partial->at(target));
  start_ = exact(suffix_, {});
  const Recipe given = truth_recipe(evidence.recipe, evidence.problem.config, Basis::given);
  const Recipe rounded = truth_recipe(evidence.recipe, evidence.problem.config, Basis::quantized);
  rounds_inputs_ = !same_but_for_name(given, rounded);
  truth_ = rounds_inputs_ ? exact(given, {}) : start_;
}

Difference AttributionBench::inputs() const {
  Difference out = difference(start_, truth_);
  if (!rounds_inputs_) std::fill(out.radius.begin(), out.radius.end(), 0);
  return out;
}

Enclosure AttributionBench::exact(const Recipe& recipe, const Tape& given) const {
  Enclosures found = evidence_.exact.run({evidence_.problem, recipe, given, {target_}, evidence_.threads});
  Enclosure& enclosure = found.at(target_);
  crop(enclosure, run_.shape);
  return std::move(enclosure);
}

std::string AttributionBench::held() const {
  std::string names;
  for (const Slot slot : graph_.order()) {
    if (evidence_.run.has(slot)) names += (names.empty() ? "" : " ") + compressor::to_string(slot);
  }
  return names;
}

std::vector<Slot> AttributionBench::present() const {
  std::vector<Slot> slots;
  for (const Slot slot : graph_.order()) {
    if (evidence_.run.has(slot)) slots.push_back(slot);
    if (slot == target_) break;
  }
  return slots;
}

std::array<bool, compressor::slot_count> AttributionBench::moved_by(Slot slot) const {
  std::array<bool, compressor::slot_count> moved{};
  moved[slot.index()] = true;
  for (const Slot later : graph_.order()) {
    for (const Slot read : graph_.reads(later)) moved[later.index()] = moved[later.index()] || moved[read.index()];
  }
  return moved;
}

Tape AttributionBench::fp64_truth() const {
  compressor::RunOptions options;
  options.threads = evidence_.threads;
  options.gradients = gradients_for(target_);
  return compressor::run_traced(evidence_.problem, suffix_, options).tape;
}

bool AttributionBench::is_read(Slot slot, const std::array<bool, compressor::slot_count>& known) const {
  if (slot == target_) return true;
  const auto leaves = graph_.need({target_}, known).leaves;
  return std::find(leaves.begin(), leaves.end(), slot) != leaves.end();
}

Attribution attribution_of(const AttributionBench& bench, const std::vector<Part>& parts) {
  const Difference error = difference(bench.run(), bench.truth());
  const Difference inputs = bench.inputs();
  Admitted admitted(error.value.size());
  admitted.leave_out(error.value);
  admitted.leave_out(inputs.value);
  for (const Part& part : parts) {
    if (!part.value.value.empty()) admitted.leave_out(part.value.value);
  }
  const OwnedError owned(error, bench.truth(), admitted);
  Attribution out;
  out.target = bench.target();
  out.count = admitted.count();
  out.excluded = admitted.excluded();
  out.steps.push_back({std::nullopt, "inputs", owned.contribution(inputs)});
  std::vector<double> sum = inputs.value;
  const Difference nothing{std::vector<double>(sum.size(), 0), std::vector<double>(error.radius.size(), 0)};
  for (const Part& part : parts) {
    const Difference& value = part.value.value.empty() ? nothing : part.value;
    out.steps.push_back({part.slot, part.owner, owned.contribution(value)});
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += value.value[i];
  }
  out.residual = owned.residual(sum);
  return out;
}

}  // namespace ulpscope::judge
