// SPDX-License-Identifier: Apache-2.0
// Small problems with recipes of every kind of number, and tapes compared bit by bit.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "core/compressor/run.hpp"
#include "tests/support/problems.hpp"

namespace ulpscope::test {

using namespace compressor;

/// The first slot of `part` whose bits differ from `whole`'s; "" if none. At least `least` slots must be compared.
inline std::string first_difference(const Tape& part, const Tape& whole, std::size_t least) {
  std::size_t compared = 0;
  for (const auto& [slot, record] : part.records()) {
    const Record* other = whole.find(slot);
    if (other == nullptr) return to_string(slot) + " is missing";
    if (record.tensor.data.index() != other->tensor.data.index()) return to_string(slot) + " has another carrier";
    const bool equal = std::visit(
        [&](const auto& a) {
          const auto& b = std::get<std::decay_t<decltype(a)>>(other->tensor.data);
          return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0);
        },
        record.tensor.data);
    if (!equal) return to_string(slot) + " differs";
    ++compared;
  }
  return compared < least ? "only " + std::to_string(compared) + " slots compared" : "";
}

inline RunOptions with_threads(unsigned threads) {
  RunOptions options;
  options.threads = threads;
  return options;
}

/// A problem and a recipe to run on it.
struct Example {
  std::string name;
  Problem problem;
  Recipe recipe;
};

/// No built-in recipe needs a double to carry its emulated formats.
inline Recipe tf32_recipe() { return with_setting(load_recipe("fp32"), "default=tf32"); }

/// No built-in recipe reads masks or segments: one for each kind of number and policy does.
inline std::vector<Recipe> masking_recipes() {
  std::vector<Recipe> recipes;
  for (const Recipe& base : {load_recipe("fp32"), load_recipe("fp64"), load_recipe("hf"), tf32_recipe()}) {
    for (const std::string segments : {"strict", "previous_half"}) {
      recipes.push_back(with_settings(base, {"mask=pad", "segments=" + segments}));
    }
  }
  return recipes;
}

/// Recipes that draw: every operation, or those of some slots.
inline std::vector<Recipe> drawing_recipes() {
  return {with_setting(load_recipe("fp32"), "default=bf16:sr"),
          with_settings(load_recipe("hf"),
                        {"products.compute=bf16:sr", "pool.storage=bf16:sr", "project_kv.storage=bf16:sr",
                         "backward.join_hidden.compute=bf16:sr", "inputs.hidden=e4m3fn:sr"}),
          with_settings(load_recipe("fp64"), {"softmax=online", "online.tile=3", "online.state=fp16:sr"}),
          with_settings(load_recipe("pr3810"), {"bias.storage=bf16:sr", "normalize.compute=tf32:sr"})};
}

/// Every small problem with every built-in recipe; those with masks also with recipes that read them; and with recipes
/// that draw.
inline std::vector<Example> examples() {
  std::vector<Example> all;
  for (const SmallProblem& small : small_problems()) {
    std::vector<Recipe> recipes{tf32_recipe()};
    for (const std::string& name : builtin_recipe_names()) recipes.push_back(load_recipe(name));
    if (small.problem.has(Name::attention_mask)) {
      for (Recipe& recipe : masking_recipes()) recipes.push_back(std::move(recipe));
    }
    for (Recipe& recipe : drawing_recipes()) recipes.push_back(std::move(recipe));
    for (Recipe& recipe : recipes) {
      all.push_back({small.name + ", recipe " + recipe.name, small.problem, std::move(recipe)});
    }
  }
  return all;
}

}  // namespace ulpscope::test
