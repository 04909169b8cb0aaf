// SPDX-License-Identifier: Apache-2.0
// A truth differs from fp64 only in what is computed, never in how.
#include "core/judge/truth.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/graph.hpp"
#include "core/compressor/pad_names.hpp"
#include "core/compressor/run.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Recipe;
using io::Json;

std::string number_text(double value) {
  return std::isinf(value) ? (value < 0 ? "-inf" : "inf") : fmt::format("{}", value);
}

/// A pad that depends on the recipe's format is resolved on either basis; other finite pads stand as written unless
/// inputs are quantized.
Json pad_of(const Recipe& recipe, const compressor::Config& config, Basis basis) {
  const compressor::PadValues values = compressor::Plan(recipe, config).pad();
  const compressor::PadName* const named = compressor::find_pad(recipe.pad.gate);
  const bool resolved = basis == Basis::quantized || (named != nullptr && named->depends_on_format);
  return {{"gate", resolved && !values.excluded ? number_text(values.gate) : recipe.pad.gate},
          {"kv", basis == Basis::quantized ? number_text(values.kv) : recipe.pad.kv}};
}

/// How blocks are scaled is a choice of the recipe; its formats are not.
Json quantize_rules(const Recipe& recipe) {
  Json rules = Json::object();
  if (!recipe.spec.contains("stages") || !recipe.spec["stages"].contains("quantize")) return rules;
  const Json& stage = recipe.spec["stages"]["quantize"];
  for (const char* field : {"scale", "floor", "floor_of", "ties"}) {
    if (stage.contains(field)) rules[field] = stage[field];
  }
  return rules;
}

/// By default a gradient of an input is stored as the input is; the truth's are not.
Json unrounded_input_gradients() {
  Json backward = Json::object();
  for (const char* stage : {"scale", "bias", "window", "project_kv", "project_gate"})
    backward[stage] = {{"storage", "fp64"}};
  backward["join_hidden"] = {{"branches", "fp64"}, {"storage", "fp64"}};
  return backward;
}

/// Whether exact arithmetic gives the values of the definition. A guard gives 0 where that has no number: in windows
/// whose logits are all -inf.
bool is_definition(compressor::Softmax softmax) {
  return softmax == compressor::Softmax::shifted || softmax == compressor::Softmax::online;
}

}  // namespace

Recipe truth_recipe(const Recipe& recipe, const compressor::Config& config, Basis basis) {
  Json json{{"name", "truth of " + recipe.name}, {"base", "fp64"}};
  for (const char* field : {"pipeline", "omit", "remainder", "mask", "segments", "loss_scale"}) {
    json[field] = recipe.spec.at(field);
  }
  json["pad"] = pad_of(recipe, config, basis);
  if (basis == Basis::quantized) {
    json["inputs"] = recipe.spec.at("inputs");
    json["backward"] = unrounded_input_gradients();
  }
  // Their inner slots mean something else, or windows without a token come to something else than a NaN; every other
  // algorithm writes the same values.
  if (!is_definition(recipe.softmax)) json["softmax"] = recipe.spec.at("softmax");
  Json stages = Json::object();
  if (const Json rules = quantize_rules(recipe); !rules.empty()) stages["quantize"] = rules;
  // In exact arithmetic tiles are all the same; in one tile nothing is rescaled.
  if (compressor::is_online(recipe.softmax) && !is_definition(recipe.softmax))
    stages["online"] = {{"tile", config.window_slots()}};
  if (!stages.empty()) json["stages"] = stages;
  return compressor::recipe_from_json(json, "truth of " + recipe.name);
}

Truth truth_by(const Exact& exact, const compressor::Problem& problem, const Recipe& recipe, unsigned threads) {
  compressor::require_whole_windows(problem.config, recipe);
  const compressor::Plan plan(recipe, problem.config);
  const bool prior = problem.has(compressor::Name::prior_kv) && problem.has(compressor::Name::prior_gate);
  const compressor::Graph graph(recipe, plan, {prior});
  const compressor::Tape nothing;
  Truth truth{exact.info, recipe, {}};
  truth.enclosures = exact.run({problem, recipe, nothing, graph.order(), threads});
  for (const auto& [slot, enclosure] : truth.enclosures) {
    truth.tape.set(slot, {enclosure.shape, enclosure.value, io::DType::f64}, precision::parse_format("fp64"));
  }
  for (const auto& [slot, reason] : graph.absent()) truth.tape.set_absent(slot, reason);
  return truth;
}

Recipe plain_truth_recipe() { return compressor::load_recipe("fp64"); }

}  // namespace ulpscope::judge
