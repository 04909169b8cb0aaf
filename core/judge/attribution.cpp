// SPDX-License-Identifier: Apache-2.0
// The ladder: slot after slot takes the run's values, and the exact rest says what the target becomes.
#include "core/judge/attribution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/compressor/choices.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/judge/attribution_bench.hpp"
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

/// The rungs are kept as differences, since one that is not finite everywhere takes elements out of all of them.
std::vector<Part> rungs_of(const AttributionBench& bench) {
  std::vector<Part> parts;
  Tape pinned;
  std::array<bool, compressor::slot_count> known{};
  Enclosure below = bench.start();
  for (const Slot slot : bench.present()) {
    parts.push_back({slot, owner_of(slot, known, bench.graph(), bench.plan()), {}});
    const Record& record = *bench.evidence().run.find(slot);
    known[slot.index()] = slot != bench.target();
    pinned.set(slot, record.tensor, record.format);
    if (!bench.is_read(slot, known)) continue;
    Enclosure here = slot == bench.target() ? bench.run() : bench.exact(pinned);
    parts.back().value = difference(here, below);
    below = std::move(here);
  }
  return parts;
}

}  // namespace

compressor::Gradients gradients_for(std::optional<Slot> target) {
  const bool forward_only = target && target->direction == Direction::forward;
  return forward_only ? compressor::Gradients::none : compressor::Gradients::all;
}

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
  if (plan.config().norm)
    suffix =
        compressor::with_setting(suffix, "backward.normalize.vjp=" + word(plan.at(gradient(Name::pooled)).norm_vjp));
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

Attribution attribute_by_ladder(const Evidence& evidence, Slot target) {
  const AttributionBench bench(evidence, target);
  return attribution_of(bench, rungs_of(bench));
}

Attribution attribute(const Evidence& evidence, Slot target, AttributionMethod method) {
  Attribution out = method == AttributionMethod::tangent    ? attribute_by_tangent(evidence, target)
                    : method == AttributionMethod::switched ? attribute_by_switch(evidence, target)
                                                            : attribute_by_ladder(evidence, target);
  out.method = method;
  return out;
}

}  // namespace ulpscope::judge
