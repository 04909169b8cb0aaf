// SPDX-License-Identifier: Apache-2.0
// The ladder: slot after slot takes the run's values, and the exact rest says what the target becomes.
#include "core/judge/attribution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/compressor/choices.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/judge/attribution_sum.hpp"
#include "core/judge/truth.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Direction;
using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Recipe;
using compressor::Record;
using compressor::Slot;
using compressor::Tape;

constexpr std::array<std::pair<std::string_view, AttributionMethod>, 3> methods{{
    {"ladder", AttributionMethod::ladder},
    {"tangent", AttributionMethod::tangent},
    {"switch", AttributionMethod::switched},
}};

bool same_but_for_name(const Recipe& a, const Recipe& b) {
  io::Json first = a.spec;
  io::Json second = b.spec;
  first.erase("name");
  second.erase("name");
  return first == second;
}

/// The rungs of one target, from the truth of the given inputs to the run.
class Ladder {
 public:
  Ladder(const Evidence& evidence, Slot target)
      : evidence_(evidence),
        target_(target),
        suffix_(suffix_recipe(evidence.recipe, evidence.problem.config)),
        given_(on_given_inputs(evidence.recipe, evidence.problem.config, suffix_)),
        plan_(suffix_, evidence.problem.config),
        graph_(suffix_, plan_, extras(evidence.problem)) {
    if (!graph_.computes(target))
      throw InputError(fmt::format("--target {}: recipe '{}' does not compute it",
                                   io::in_quotes(compressor::to_string(target)), evidence.recipe.name));
    if (!evidence.run.has(target))
      throw InputError(fmt::format("--target {}: the run does not hold it; it holds: {}",
                                   io::in_quotes(compressor::to_string(target)), held()));
    run_ = enclosure_of(evidence.run.find(target)->tensor);
    if (evidence.partial != nullptr && evidence.partial->contains(target)) crop(run_, evidence.partial->at(target));
  }

  Attribution climb() {
    const Enclosure truth = exact(given_, {});
    const Enclosure start = same_but_for_name(given_, suffix_) ? truth : exact(suffix_, {});
    const Difference error = difference(run_, truth);
    Admitted admitted(error.value.size());
    admitted.leave_out(error.value);
    admitted.leave_out(difference(start, truth).value);
    for (;;) {
      const OwnedError owned(error, truth, admitted);
      Attribution out;
      out.target = target_;
      out.steps.push_back({std::nullopt, "inputs", owned.contribution(difference(start, truth))});
      // A rung that is not finite everywhere takes elements out of all of them: once more, without these.
      if (climb_to_run(owned, start, admitted, out)) continue;
      out.count = admitted.count();
      out.excluded = admitted.excluded();
      return out;
    }
  }

 private:
  static compressor::Extras extras(const compressor::Problem& problem) {
    return {problem.has(Name::prior_kv) && problem.has(Name::prior_gate)};
  }

  static Recipe on_given_inputs(const Recipe& recipe, const compressor::Config& config, const Recipe& suffix) {
    const Recipe plain = truth_recipe(recipe, config, Basis::given);
    return same_but_for_name(plain, truth_recipe(recipe, config, Basis::quantized)) ? suffix : plain;
  }

  std::string held() const {
    std::string names;
    for (const Slot slot : graph_.order()) {
      if (evidence_.run.has(slot)) names += (names.empty() ? "" : " ") + compressor::to_string(slot);
    }
    return names;
  }

  Enclosure exact(const Recipe& recipe, const Tape& given) const {
    Enclosures found = evidence_.exact.run({evidence_.problem, recipe, given, {target_}, evidence_.threads});
    Enclosure& enclosure = found.at(target_);
    crop(enclosure, run_.shape);
    return std::move(enclosure);
  }

  bool is_read(Slot slot, const std::array<bool, compressor::slot_count>& known) const {
    if (slot == target_) return true;
    const auto leaves = graph_.need({target_}, known).leaves;
    return std::find(leaves.begin(), leaves.end(), slot) != leaves.end();
  }

  /// True: elements were left out on the way.
  bool climb_to_run(const OwnedError& owned, const Enclosure& start, Admitted& admitted, Attribution& out) const {
    Tape pinned;
    std::array<bool, compressor::slot_count> known{};
    Enclosure below = start;
    for (const Slot slot : graph_.order()) {
      const Record* record = evidence_.run.find(slot);
      if (record == nullptr) continue;
      const std::string owner = owner_of(slot, known, graph_, plan_);
      known[slot.index()] = slot != target_;
      pinned.set(slot, record->tensor, record->format);
      if (!is_read(slot, known)) {
        out.steps.push_back({slot, owner, nothing(owned)});
        continue;
      }
      Enclosure here = slot == target_ ? run_ : exact(suffix_, pinned);
      const Difference part = difference(here, below);
      if (admitted.leave_out(part.value)) return true;
      out.steps.push_back({slot, owner, owned.contribution(part)});
      if (slot == target_) break;
      below = std::move(here);
    }
    return false;
  }

  Contribution nothing(const OwnedError& owned) const {
    return owned.contribution({std::vector<double>(run_.value.size(), 0), {}});
  }

  const Evidence& evidence_;
  Slot target_;
  Recipe suffix_;
  Recipe given_;
  compressor::Plan plan_;
  compressor::Graph graph_;
  Enclosure run_;
};

}  // namespace

std::string_view to_string(AttributionMethod method) {
  return std::find_if(methods.begin(), methods.end(), [&](const auto& each) { return each.second == method; })->first;
}

AttributionMethod parse_attribution_method(std::string_view name) {
  std::vector<std::string> known;
  for (const auto& [word, method] : methods) {
    if (word == name) return method;
    known.emplace_back(word);
  }
  throw InputError(io::unknown_name("attribution", name, known));
}

Recipe suffix_recipe(const Recipe& recipe, const compressor::Config& config) {
  const compressor::Plan plan(recipe, config);
  const compressor::SlotArithmetic& vjp = plan.at(gradient(Name::logits));
  const auto word = [](auto choice) { return std::string(compressor::choice_name(choice)); };
  Recipe suffix = truth_recipe(recipe, config, Basis::quantized);
  suffix = compressor::with_setting(suffix, "softmax=" + word(recipe.softmax));
  suffix = compressor::with_setting(suffix, "backward.softmax.saved=" + word(vjp.saved));
  suffix = compressor::with_setting(suffix, "backward.softmax.vjp=" + word(vjp.softmax_vjp));
  if (plan.at(forward(Name::products)).compute_exact)
    suffix = compressor::with_setting(suffix, "products.compute=exact");
  return suffix;
}

std::string owner_of(Slot slot, const std::array<bool, compressor::slot_count>& known, const compressor::Graph& graph,
                     const compressor::Plan& plan) {
  std::array<bool, compressor::slot_count> others = known;
  others[slot.index()] = false;
  std::vector<std::string> stages;
  for (const Slot computed : graph.need({slot}, others).compute) {
    std::string stage(compressor::to_string(plan.writer(computed)));
    if (computed.direction == Direction::backward) stage = "backward " + stage;
    if (std::find(stages.begin(), stages.end(), stage) == stages.end()) stages.push_back(std::move(stage));
  }
  return fmt::format("{}{}", fmt::join(stages, " + "), stages.size() > 1 ? " (merged)" : "");
}

Attribution attribute_by_ladder(const Evidence& evidence, Slot target) { return Ladder(evidence, target).climb(); }

}  // namespace ulpscope::judge
