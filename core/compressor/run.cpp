// SPDX-License-Identifier: Apache-2.0
// Whole and partial runs as calls of the engine.
#include "core/compressor/run.hpp"

#include <algorithm>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/run_session.hpp"
#include "core/io/error.hpp"

namespace ulpscope::compressor {
namespace {

/// Which slots of the graph a run writes.
bool runs(Slot slot, Gradients gradients) {
  return gradients == Gradients::all || slot.direction == Direction::forward;
}

std::vector<Slot> every_slot(const Graph& graph, Gradients gradients) {
  std::vector<Slot> slots;
  std::copy_if(graph.order().begin(), graph.order().end(), std::back_inserter(slots),
               [&](Slot slot) { return runs(slot, gradients); });
  return slots;
}

std::vector<Slot> results_only(const Graph& graph, Gradients gradients) {
  std::vector<Slot> slots{forward(Name::output)};
  for (const Slot slot : graph.order()) {
    if (slot.direction == Direction::backward && is_input(slot.name) && runs(slot, gradients)) slots.push_back(slot);
  }
  return slots;
}

Run finish(const Session& session, Tape tape, const Recipe& recipe, std::string backend) {
  for (const auto& [slot, reason] : session.graph().absent()) tape.set_absent(slot, reason);
  return {std::move(tape), recipe, session.plan().config(), std::move(backend),
          std::string(to_string(session.plan().kind()))};
}

/// Slots before the first overridden one, that one, and so on: each override acts before anything reads it. Those
/// behind the last wanted slot are read by none.
Tape run_with_overrides(const Session& session, Tape known, const std::vector<Slot>& wanted,
                        const RunOptions& options) {
  for (const auto& [slot, change] : options.overrides) {
    if (!session.graph().computes(slot))
      throw InputError("override of '" + to_string(slot) + "': " + session.absence(slot));
  }
  const auto& order = session.graph().order();
  const auto is_wanted = [&](Slot slot) { return std::find(wanted.begin(), wanted.end(), slot) != wanted.end(); };
  const auto end = std::find_if(order.rbegin(), order.rend(), is_wanted).base();
  for (auto at = order.begin(); at != end; ++at) {
    const Slot slot = *at;
    const auto found = options.overrides.find(slot);
    if (found == options.overrides.end() || known.has(slot)) continue;
    Tape fresh = session.evaluate(known, {slot}, Blocks::whole);
    Record record = *fresh.find(slot);
    found->second(record.tensor);
    known.set(slot, std::move(record.tensor), std::move(record.format));
  }
  std::vector<Slot> rest;
  std::copy_if(wanted.begin(), wanted.end(), std::back_inserter(rest), [&](Slot slot) { return !known.has(slot); });
  Tape tape = session.evaluate(known, rest, Blocks::whole);
  for (const Slot slot : wanted) {
    if (const Record* record = known.find(slot)) tape.set(slot, record->tensor, record->format);
  }
  return tape;
}

Tape without(const Tape& tape, Slot slot) {
  Tape rest;
  for (const auto& [other, record] : tape.records()) {
    if (other != slot) rest.set(other, record.tensor, record.format);
  }
  return rest;
}

}  // namespace

void require_whole_windows(const Config& config, const Recipe& recipe) {
  if (recipe.remainder != Remainder::error || config.seq % config.ratio == 0) return;
  throw InputError("recipe '" + recipe.name + "': seq " + std::to_string(config.seq) + " is not a multiple of ratio " +
                   std::to_string(config.ratio) + " and `remainder` is error; known policies: error truncate buffer");
}

Run run_traced(const Problem& problem, const Recipe& recipe, const RunOptions& options) {
  const Session session(problem, recipe, options);
  require_whole_windows(problem.config, recipe);
  const std::vector<Slot> wanted = every_slot(session.graph(), options.gradients);
  const std::string backend(options.provider == nullptr ? "traced" : options.provider->name);
  return finish(session, run_with_overrides(session, Tape{}, wanted, options), recipe, backend);
}

Run run_fused(const Problem& problem, const Recipe& recipe, const RunOptions& options) {
  if (!options.overrides.empty()) throw InputError("overrides need the traced backend: the fused one keeps no slots");
  const Session session(problem, recipe, options);
  require_whole_windows(problem.config, recipe);
  const std::vector<Slot> wanted = results_only(session.graph(), options.gradients);
  return finish(session, session.evaluate(Tape{}, wanted, Blocks::streamed), recipe, "fused");
}

PartialResult run_from(const Problem& problem, const Recipe& recipe, const Partial& partial,
                       const RunOptions& options) {
  const Session session(problem, recipe, options);
  PartialResult result;
  for (const Slot slot : partial.wanted) {
    if (!session.graph().computes(slot)) {
      result.tape.set_absent(slot, session.absence(slot));
      continue;
    }
    result.from[slot] = session.leaves(partial.given, slot);
    const Tape computed = options.overrides.empty()
                              ? session.evaluate(partial.given, {slot}, Blocks::whole)
                              : run_with_overrides(session, without(partial.given, slot), {slot}, options);
    const Record* record = computed.find(slot);
    result.tape.set(slot, record->tensor, record->format);
  }
  return result;
}

Tape run_pinned(const Problem& problem, const Recipe& recipe, const Tape& given, const RunOptions& options) {
  const Session session(problem, recipe, options);
  return run_with_overrides(session, given, every_slot(session.graph(), options.gradients), options);
}

std::vector<Slot> program_order(const Problem& problem, const Recipe& recipe) {
  return Session(problem, recipe, RunOptions{}).graph().order();
}

precision::Format storage_format(Slot slot, const Recipe& recipe, const Config& config) {
  return Plan(recipe, config).at(slot).storage;
}

Problem with_config(const Problem& problem, const Config& config) {
  Problem changed = problem;
  changed.config = config;
  return changed;
}

}  // namespace ulpscope::compressor
