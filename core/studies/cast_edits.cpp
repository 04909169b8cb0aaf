// SPDX-License-Identifier: Apache-2.0
// Lifting casts.
#include "core/studies/cast_edits.hpp"

#include <algorithm>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/recipe_fields.hpp"
#include "core/compressor/run.hpp"

namespace ulpscope::studies {
namespace {

using compressor::Recipe;
using compressor::Section;

std::vector<std::string> stages_of(Section section) {
  std::vector<std::string> words;
  for (const std::string& stage : compressor::known_stages(section)) {
    if (stage == "online") continue;
    words.push_back(section == Section::forward ? stage : "backward." + stage);
  }
  return words;
}

/// All inputs as given.
Recipe without_input_casts(const Recipe& recipe) {
  io::Json spec = recipe.spec;
  spec["inputs"] = io::Json::object();
  return compressor::recipe_from_json(spec, recipe.name);
}

}  // namespace

std::vector<std::string> forward_casts() {
  std::vector<std::string> words = stages_of(Section::forward);
  words.insert(words.begin(), "inputs");
  return words;
}

std::vector<std::string> all_casts() {
  std::vector<std::string> words = forward_casts();
  for (std::string& word : stages_of(Section::backward)) words.push_back(std::move(word));
  return words;
}

Recipe without(const Recipe& recipe, const std::string& cast, const std::string& change) {
  if (cast == "none") return recipe;
  if (cast == "inputs") return without_input_casts(recipe);
  return with_setting(recipe, cast + (change == "elided" ? ".materialize=false" : ".storage=fp32"));
}

bool same_casts(const Recipe& a, const Recipe& b, const compressor::Problem& problem) {
  if (a.spec["inputs"] != b.spec["inputs"]) return false;
  const compressor::Plan first(a, problem.config);
  const compressor::Plan second(b, problem.config);
  const auto slots = compressor::program_order(problem, a);
  return std::all_of(slots.begin(), slots.end(),
                     [&](compressor::Slot slot) { return first.at(slot).storage == second.at(slot).storage; }) &&
         first.table().storage == second.table().storage;
}

}  // namespace ulpscope::studies
