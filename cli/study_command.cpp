// SPDX-License-Identifier: Apache-2.0
// The verbs study and render.
#include <algorithm>

#include "cli/numbers.hpp"
#include "cli/options.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/studies/study.hpp"

namespace ulpscope::cli {
namespace {

struct State {
  app::StudyOptions options;
  std::optional<Text> problem;
  Outputs outputs;
};

/// "pad_gate" is --pad-gate.
Text option_of(Text axis) {
  std::replace(axis.begin(), axis.end(), '_', '-');
  return "--" + axis;
}

/// The study that the command line names: its axes become options.
const studies::Study* named_study(const Texts& arguments) {
  if (arguments.empty() || arguments.front() != "study") return nullptr;
  for (const std::string& argument : arguments) {  // the first: a value may be a study's name too, "--length nan"
    for (const studies::Study& study : studies::all_studies()) {
      if (study.name == argument) return &study;
    }
  }
  return nullptr;
}

void axes(CLI::App& app, const studies::Study& study, app::StudyOptions& options) {
  for (const studies::Axis& axis : study.axes) {
    repeated(app, option_of(axis.name), options.values[axis.name],
             axis.about + " (" + io::listed(axis.full) + (axis.check == nullptr ? ")" : " ...)"))
        ->group("Axes of study " + study.name);
  }
}

Command finished(const std::shared_ptr<State>& state) {
  auto& o = state->options;
  std::erase_if(o.values, [](const auto& axis) { return axis.second.empty(); });
  if (o.name.empty()) {
    Texts known;
    for (const studies::Study& study : studies::all_studies()) known.push_back(study.name);
    throw InputError("study: no name given; known: " + io::listed(known) + "; see ulpscope study --list");
  }
  studies::study_named(o.name);
  if (state->problem) {
    o.problem = *state->problem;
    state->outputs.inputs = {*state->problem};
  }
  return done(state->outputs, [state](const app::Progress& progress) {
    state->options.progress = progress;
    return app::study(state->options);
  });
}

}  // namespace

Verb study_verb(CLI::App& root, const Texts& arguments) {
  const auto state = std::make_shared<State>();
  CLI::App& app = *root.add_subcommand("study", "walk a question over its axes: tables, and what follows from them");
  auto& o = state->options;
  text(app, "NAME", o.name, "which study: see --list; its axes are options, see ulpscope study NAME --help");
  text(app, "PROBLEM", state->problem, "ask it about this problem; none: the study's own inputs");
  const auto list = std::make_shared<bool>(false);
  app.add_flag("--list", *list, "the studies and their axes");
  app.add_flag("--full", o.full, "every value of every axis; without it a few seconds' worth");
  option(
      app, "--seeds", [&o](const Text& value) { o.seeds = positive_number("--seeds", value); },
      "how many seeds, where chance enters: means with 95% intervals (1)");
  seed(app, o.seed);
  text(app, "--resume", o.resume, "a result file that is kept current, and continued where it exists");
  edits(app, o.edits);
  dtypes(app, o.dtypes);
  threads(app, o.threads);
  text(app, "--json", state->outputs.json, "write the results as JSON; - is standard output");
  text(app, "--csv", state->outputs.csv, "write one line per point");
  text(app, "--markdown", state->outputs.markdown, "write the table as Markdown");
  text(app, "--html", state->outputs.html, "write the table as a page that needs no other file");
  quiet(app, state->outputs);
  if (const studies::Study* study = named_study(arguments)) axes(app, *study, o);
  app.footer("Example: ulpscope study accumulate --format bf16 --summation sequential,pairwise --csv sums.csv");
  return {&app, [state, list] {
            if (*list) return done(state->outputs, [](const app::Progress&) { return app::list("studies"); });
            return finished(state);
          }};
}

Verb render_verb(CLI::App& root) {
  const auto state = std::make_shared<std::pair<Text, Outputs>>();
  CLI::App& app = *root.add_subcommand("render", "show a report or a study's results from its JSON again");
  text(app, "FILE", state->first, "what --json wrote")->required();
  text(app, "--markdown", state->second.markdown, "write the tables as Markdown");
  text(app, "--html", state->second.html, "write the tables as a page that needs no other file");
  text(app, "--csv", state->second.csv, "of a study: one line per point");
  text(app, "--junit", state->second.junit, "of a report: one JUnit test case per slot");
  quiet(app, state->second);
  app.footer("Example: ulpscope render report.json --html report.html");
  return {&app, [state] {
            state->second.inputs = {state->first};
            return done(state->second, [state](const app::Progress&) { return app::render(state->first); });
          }};
}

}  // namespace ulpscope::cli
