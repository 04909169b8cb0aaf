// SPDX-License-Identifier: Apache-2.0
// Options that verbs share, in CLI11's terms. Internal to cli.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "core/compressor/recipe.hpp"

namespace ulpscope::cli {

using Text = std::string;
using Texts = std::vector<std::string>;

/// One verb: its CLI11 app, and what turns its options into a call.
struct Verb {
  CLI::App* app = nullptr;
  std::function<Command()> finish;
};

/// Options with a value that is taken once; CLI11's own conversions accept "-5" for unsigned numbers.
CLI::Option* option(CLI::App& app, const Text& name, std::function<void(const Text&)> set, const Text& help);
/// Target: a text, an optional one, or a source that a text can be.
template <class Target>
CLI::Option* text(CLI::App& app, const Text& name, Target& target, const Text& help) {
  return option(
      app, name, [&target](const Text& value) { target = value; }, help);
}
CLI::Option* repeated(CLI::App& app, const Text& name, Texts& target, const Text& help);
void size(CLI::App& app, const Text& name, std::optional<std::size_t>& target, const Text& help);
void real(CLI::App& app, const Text& name, std::function<void(double)> set, const Text& help);
void threads(CLI::App& app, unsigned& target);
void seed(CLI::App& app, std::uint64_t& target);
void quiet(CLI::App& app, Outputs& outputs);
void files(CLI::App& app, Outputs& outputs);
/// Options that scripts may already name: one sentence says what there is instead.
void refused(CLI::App& app, const Text& name, const Text& instead);
void edits(CLI::App& app, app::RecipeEdits& target);
void dtypes(CLI::App& app, Texts& target);
/// --target SLOT, --attribution METHOD.
void attribution(CLI::App& app, std::optional<Text>& target, Text& method);
void tolerances(CLI::App& app, judge::Tolerance& target);
Command done(const Outputs& outputs, std::function<app::Outcome(const app::Progress&)> run);

/// --no-cache; else the cache that the environment names (cli/environment.hpp).
void cache(CLI::App& app, std::optional<reference::TruthCache>& target);

/// A verb that runs recipes on problems: report, bless.
template <class Options>
struct ListState {
  Options options;
  Texts problems;
  Texts recipes;
  Outputs outputs;
};
/// "--recipe a b problem.safetensors": what follows a list of names may be a problem.
void split_problems(Texts& names, Texts& problems, const Texts& known);
Texts preset_names();
/// PROBLEM..., --recipe, --preset.
void problems_and_recipes(CLI::App& app, Texts& problems, Texts& recipes, Texts& presets);
template <class Options>
Command done(const std::shared_ptr<ListState<Options>>& state, app::Outcome (*verb)(const Options&)) {
  split_problems(state->recipes, state->problems, compressor::builtin_recipe_names());
  split_problems(state->options.presets, state->problems, preset_names());
  state->options.problems.assign(state->problems.begin(), state->problems.end());
  state->options.recipes.assign(state->recipes.begin(), state->recipes.end());
  state->outputs.inputs = state->problems;
  return done(state->outputs, [state, verb](const app::Progress& progress) {
    state->options.progress = progress;
    return verb(state->options);
  });
}

/// The verb study: its axes are options, so it needs to know which study the command line names.
Verb study_verb(CLI::App& root, const Texts& arguments);
Verb render_verb(CLI::App& root);
Verb bless_verb(CLI::App& root);
Verb check_verb(CLI::App& root);

}  // namespace ulpscope::cli
