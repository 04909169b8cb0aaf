// SPDX-License-Identifier: Apache-2.0
// Options that verbs share, in CLI11's terms. Internal to cli.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"

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

/// The verb study: its axes are options, so it needs to know which study the command line names.
Verb study_verb(CLI::App& root, const Texts& arguments);
Verb render_verb(CLI::App& root);
Verb bless_verb(CLI::App& root);
Verb check_verb(CLI::App& root);

}  // namespace ulpscope::cli
