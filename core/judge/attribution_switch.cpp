// SPDX-License-Identifier: Apache-2.0
// One stage low at a time: what people try first, and why its numbers do not add up.
#include <algorithm>

#include "core/compressor/run.hpp"
#include "core/judge/attribution_bench.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Slot;
using compressor::Tape;

/// The slots of one stage in one direction, in program order, on the way to the target.
struct Switched {
  std::string owner;
  std::vector<Slot> slots;
};

std::vector<Switched> stages_of(const AttributionBench& bench) {
  std::vector<Switched> stages;
  for (const Slot slot : bench.graph().need({bench.target()}, {}).compute) {
    std::string owner(compressor::to_string(bench.plan().writer(slot)));
    if (slot.direction == compressor::Direction::backward) owner = "backward " + owner;
    auto found = std::find_if(stages.begin(), stages.end(), [&](const Switched& each) { return each.owner == owner; });
    if (found == stages.end()) found = stages.insert(stages.end(), {owner, {}});
    found->slots.push_back(slot);
  }
  return stages;
}

/// The stage's slots in the recipe, from exact inputs.
Tape low_slots(const AttributionBench& bench, const Switched& stage, const Tape& truth) {
  const Evidence& evidence = bench.evidence();
  Tape others;
  for (const auto& [slot, record] : truth.records()) {
    if (std::find(stage.slots.begin(), stage.slots.end(), slot) == stage.slots.end())
      others.set(slot, record.tensor, record.format);
  }
  compressor::RunOptions options;
  options.threads = evidence.threads;
  return compressor::run_from(evidence.problem, evidence.recipe, {others, stage.slots}, options).tape;
}

}  // namespace

Attribution attribute_by_switch(const Evidence& evidence, Slot target) {
  const AttributionBench bench(evidence, target);
  const Tape truth = bench.fp64_truth();
  std::vector<Part> parts;
  for (const Switched& stage : stages_of(bench)) {
    const Tape low = low_slots(bench, stage, truth);
    Enclosure here = low.has(target) ? enclosure_of(low.find(target)->tensor) : bench.exact(low);
    crop(here, bench.run().shape);
    parts.push_back({stage.slots.back(), stage.owner, difference(here, bench.start())});
  }
  return attribution_of(bench, parts);
}

}  // namespace ulpscope::judge
