// SPDX-License-Identifier: Apache-2.0
// Options that verbs share: one text for each.
#include "cli/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "cli/environment.hpp"
#include "cli/numbers.hpp"
#include "core/compressor/config.hpp"
#include "core/io/error.hpp"

namespace ulpscope::cli {
namespace {

unsigned default_threads() { return std::max(1U, std::thread::hardware_concurrency()); }

}  // namespace

CLI::Option* option(CLI::App& app, const Text& name, std::function<void(const Text&)> set, const Text& help) {
  return app.add_option_function<Text>(name, std::move(set), help)->type_name("")->expected(1);
}
CLI::Option* repeated(CLI::App& app, const Text& name, Texts& target, const Text& help) {
  return app.add_option(name, target, help)->type_name("")->allow_extra_args(false);
}
void size(CLI::App& app, const Text& name, std::optional<std::size_t>& target, const Text& help) {
  option(
      app, name, [name, &target](const Text& value) { target = whole_number(name, value); }, help);
}
void real(CLI::App& app, const Text& name, std::function<void(double)> set, const Text& help) {
  option(
      app, name, [name, set = std::move(set)](const Text& value) { set(real_number(name, value)); }, help);
}
void threads(CLI::App& app, unsigned& target) {
  target = default_threads();
  const auto set = [&target](const Text& value) {
    target = static_cast<unsigned>(std::min<std::size_t>(positive_number("--threads", value), 1024));
  };
  option(app, "--threads", set, "threads; the bits do not depend on them");
}
void seed(CLI::App& app, std::uint64_t& target) {
  option(
      app, "--seed", [&target](const Text& value) { target = whole_number("--seed", value); },
      "of the random inputs (0)");
}
void quiet(CLI::App& app, Outputs& outputs) { app.add_flag("--quiet", outputs.quiet, "print nothing but errors"); }
void files(CLI::App& app, Outputs& outputs) {
  text(app, "--json", outputs.json, "write the report as JSON; - is standard output");
  text(app, "--markdown", outputs.markdown, "write the tables as Markdown");
  text(app, "--junit", outputs.junit, "write one JUnit test case per slot");
  text(app, "--html", outputs.html, "write the tables as a page that needs no other file");
  quiet(app, outputs);
}
void refused(CLI::App& app, const Text& name, const Text& instead) {
  const Text verb = app.get_name();
  option(
      app, name,
      [=](const Text&) { throw InputError(name + ": this version of " + verb + " does not have it; " + instead); }, "")
      ->expected(0, 1)
      ->group("");
}
void edits(CLI::App& app, app::RecipeEdits& target) {
  repeated(app, "--set", target.settings,
           "STAGE.FIELD=VALUE, or backward.STAGE.FIELD=VALUE: change every recipe that runs");
  app.add_option("--omit", target.omit, "stages that the recipe leaves out")
      ->type_name("")
      ->allow_extra_args(false)
      ->delimiter(',');
  text(app, "--remainder", target.remainder, "error | truncate | buffer");
}
void dtypes(CLI::App& app, Texts& target) {
  repeated(app, "--dtype", target, "NAME=DTYPE: the bits of a tensor that npz could only hold as integers");
}
void attribution(CLI::App& app, std::optional<Text>& target, Text& method) {
  text(app, "--target", target, "the slot whose error is split into its owners (output)");
  text(app, "--attribution", method, "ladder | tangent | switch: how (ladder)");
}

void tolerances(CLI::App& app, judge::Tolerance& target) {
  real(
      app, "--rtol", [&target](double x) { target.rtol = x; }, "|x - truth| <= atol + rtol |truth|");
  real(
      app, "--atol", [&target](double x) { target.atol = x; }, "see --rtol");
  real(
      app, "--ulp", [&target](double x) { target.ulp = x; }, "at most so many ulps of the storage format");
  app.add_flag_callback(
      "--equal-nan", [&target] { target.equal_nan = judge::EqualNan::yes; }, "NaN against NaN passes");
}
void cache(CLI::App& app, std::optional<reference::TruthCache>& target) {
  app.preparse_callback([&target](std::size_t) { target = cache_from_environment(); });  // flags come later
  app.add_flag_callback(
      "--no-cache", [&target] { target.reset(); },
      fmt::format("compute certified and mpfr truths anew; else they are kept: {}", cache_help));
}

void split_problems(Texts& names, Texts& problems, const Texts& known) {
  Texts kept;
  for (const Text& name : names) {
    std::error_code ignored;
    const bool is_name = std::find(known.begin(), known.end(), name) != known.end() || name.ends_with(".json");
    const bool is_file = !is_name && std::filesystem::is_regular_file(name, ignored);
    (is_file ? problems : kept).push_back(name);
  }
  names = kept;
}
Texts preset_names() {
  Texts names;
  for (const auto& preset : compressor::presets()) names.emplace_back(preset.name);
  return names;
}
void problems_and_recipes(CLI::App& app, Texts& problems, Texts& recipes, Texts& presets) {
  app.add_option("PROBLEM", problems, "problem files; none: the presets small-csa and small-hca")->type_name("");
  app.add_option("--recipe", recipes, "built-in names or JSON files; none: fp32 native hf pr3810 maxtext bf16-pure")
      ->type_name("")
      ->delimiter(',');
  app.add_option("--preset", presets, "problems drawn from presets")->type_name("")->delimiter(',');
}

Command done(const Outputs& outputs, std::function<app::Outcome(const app::Progress&)> run) {
  return {"", std::move(run), outputs};
}

}  // namespace ulpscope::cli
