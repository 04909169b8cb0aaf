// SPDX-License-Identifier: Apache-2.0
// Verbs: what judges and lists, and its outcome in every form that the command can write.
#include "app/verbs.hpp"

#include <pybind11/stl.h>

#include <variant>

#include "app/rendering.hpp"
#include "core/io/error.hpp"
#include "core/judge/report.hpp"
#include "python/bindings.hpp"
#include "python/calls.hpp"

namespace ulpscope::python {
namespace {

namespace py = pybind11;
using app::Outcome;

std::shared_ptr<const app::NamedTensors> named(io::TensorFile file, std::string name) {
  return std::make_shared<const app::NamedTensors>(app::NamedTensors{std::move(file), std::move(name)});
}

using GivenProblem = std::variant<ProblemPtr, std::string>;
using GivenDump = std::variant<std::shared_ptr<Result>, std::string, Tensors>;

app::ProblemSource problem_source(const GivenProblem& problem) {
  if (const auto* path = std::get_if<std::string>(&problem)) return *path;
  return std::shared_ptr<const compressor::Problem>(std::get<ProblemPtr>(problem));
}

/// A path, a run (as the file that it would write), or tensors by name.
app::DumpSource dump_source(const GivenDump& dump, const std::string& name) {
  if (const auto* path = std::get_if<std::string>(&dump)) return *path;
  if (const auto* tensors = std::get_if<Tensors>(&dump)) return named({*tensors, {}}, name);
  const auto result = std::get<std::shared_ptr<Result>>(dump);
  return interruptible([&] { return named(app::dump_of(result->executed, result->maker()), name); });
}

app::JsonSource json_source(const std::string& text, const std::string& where) { return io::parse_json(text, where); }

std::shared_ptr<const compressor::Recipe> shared(const RecipePtr& recipe) { return recipe; }

Outcome listed(const std::string& topic) { return app::list(topic); }
Outcome inspected(const std::string& path) {
  return interruptible([&] { return app::inspect(path); });
}

template <class Options, Outcome (*verb)(const Options&)>
Outcome call(const Options& options) {
  return interruptible([&] { return verb(options); });
}

void bind_outcome(py::module_& module) {
  const auto rendered = [](const Outcome& outcome) {
    return outcome.text.empty() && outcome.report.is_object() ? app::terminal_text(outcome.report, judge::Colour::off)
                                                              : outcome.text;
  };
  py::class_<Outcome>(module, "Outcome")
      .def_readonly("exit", &Outcome::exit)
      .def("json", [](const Outcome& outcome) { return judge::compact_text(outcome.report); })
      .def("text", rendered)
      .def("markdown", [](const Outcome& outcome) { return app::markdown_text(outcome.report); })
      .def("junit", [](const Outcome& outcome) { return app::junit_xml(outcome.report); })
      .def("csv", [](const Outcome& outcome) { return app::csv_text(outcome.report); })
      .def("html_page", [](const Outcome& outcome) { return app::html_text(outcome.report); })
      .def("html", [](const Outcome& outcome) { return app::html_fragment(outcome.report); });
}

void bind_tolerance(py::module_& module) {
  py::class_<judge::Tolerance>(module, "Tolerance")
      .def(py::init<>())
      .def_readwrite("rtol", &judge::Tolerance::rtol)
      .def_readwrite("atol", &judge::Tolerance::atol)
      .def_readwrite("ulp", &judge::Tolerance::ulp)
      .def("set_equal_nan", [](judge::Tolerance& tolerance) { tolerance.equal_nan = judge::EqualNan::yes; });
}

void bind_report(py::module_& module) {
  using app::ReportOptions;
  py::class_<ReportOptions>(module, "ReportOptions")
      .def(py::init<>())
      .def(
          "add_problem",
          [](ReportOptions& options, const GivenProblem& problem) {
            options.problems.push_back(problem_source(problem));
          },
          py::arg("problem").none(false))
      .def(
          "add_recipe",
          [](ReportOptions& options, const RecipePtr& recipe) { options.recipes.emplace_back(shared(recipe)); },
          py::arg("recipe").none(false))
      .def_readwrite("presets", &ReportOptions::presets)
      .def_readwrite("edits", &ReportOptions::edits)
      .def_readwrite("backend", &ReportOptions::backend)
      .def_readwrite("truth", &ReportOptions::truth)
      .def("set_cache", [](ReportOptions& options, const std::string& folder) { options.cache = {folder}; })
      .def_readwrite("basis", &ReportOptions::basis)
      .def_readwrite("target", &ReportOptions::target)
      .def_readwrite("attribution", &ReportOptions::attribution)
      .def_readwrite("fail_on", &ReportOptions::fail_on)
      .def_readwrite("dtypes", &ReportOptions::dtypes)
      .def_readwrite("seed", &ReportOptions::seed)
      .def_readwrite("threads", &ReportOptions::threads);
  module.def("report", &call<ReportOptions, app::report>, py::arg("options"));
}

void bind_compare(py::module_& module) {
  using app::CompareOptions;
  py::class_<CompareOptions>(module, "CompareOptions")
      .def(py::init<>())
      .def(
          "set_problem",
          [](CompareOptions& options, const GivenProblem& problem) { options.problem = problem_source(problem); },
          py::arg("problem").none(false))
      .def(
          "set_dump",
          [](CompareOptions& options, const GivenDump& dump, const std::string& name) {
            options.dump = dump_source(dump, name);
          },
          py::arg("dump").none(false), py::arg("name"))
      .def(
          "set_recipe", [](CompareOptions& options, const RecipePtr& recipe) { options.recipe = shared(recipe); },
          py::arg("recipe").none(false))
      .def("set_map", [](CompareOptions& options, const std::string& text) { options.map = json_source(text, "map"); })
      .def("set_map_file", [](CompareOptions& options, const std::string& path) { options.map = path; })
      .def_readwrite("edits", &CompareOptions::edits)
      .def_readwrite("dtypes", &CompareOptions::dtypes)
      .def_readwrite("truth", &CompareOptions::truth)
      .def("set_cache", [](CompareOptions& options, const std::string& folder) { options.cache = {folder}; })
      .def_readwrite("basis", &CompareOptions::basis)
      .def_readwrite("target", &CompareOptions::target)
      .def_readwrite("attribution", &CompareOptions::attribution)
      .def_readwrite("slots", &CompareOptions::slots)
      .def_readwrite("tolerance", &CompareOptions::tolerance)
      .def_readwrite("threads", &CompareOptions::threads);
  module.def("compare", &call<CompareOptions, app::compare>, py::arg("options"));
}

void bind_diff(py::module_& module) {
  using app::DiffOptions;
  py::class_<DiffOptions>(module, "DiffOptions")
      .def(py::init<>())
      .def(
          "set_problem",
          [](DiffOptions& options, const GivenProblem& problem) { options.problem = problem_source(problem); },
          py::arg("problem").none(false))
      .def(
          "set_dumps",
          [](DiffOptions& options, const GivenDump& first, const GivenDump& second) {
            options.first = dump_source(first, "the first dump");
            options.second = dump_source(second, "the second dump");
          },
          py::arg("first").none(false), py::arg("second").none(false))
      .def("set_map", [](DiffOptions& options, const std::string& text) { options.map = json_source(text, "map"); })
      .def("set_map_file", [](DiffOptions& options, const std::string& path) { options.map = path; })
      .def_readwrite("dtypes", &DiffOptions::dtypes)
      .def_readwrite("slots", &DiffOptions::slots)
      .def_readwrite("tolerance", &DiffOptions::tolerance)
      .def_readwrite("threads", &DiffOptions::threads);
  module.def("diff", &call<DiffOptions, app::diff>, py::arg("options"));
}

void bind_study(py::module_& module) {
  using app::StudyOptions;
  py::class_<StudyOptions>(module, "StudyOptions")
      .def(py::init<>())
      .def(
          "set_problem",
          [](StudyOptions& options, const GivenProblem& problem) { options.problem = problem_source(problem); },
          py::arg("problem").none(false))
      .def("walk_all", [](StudyOptions& options) { options.full = true; })
      .def_readwrite("name", &StudyOptions::name)
      .def_readwrite("values", &StudyOptions::values)
      .def_readwrite("seeds", &StudyOptions::seeds)
      .def_readwrite("seed", &StudyOptions::seed)
      .def_readwrite("resume", &StudyOptions::resume)
      .def_readwrite("edits", &StudyOptions::edits)
      .def_readwrite("dtypes", &StudyOptions::dtypes)
      .def_readwrite("threads", &StudyOptions::threads);
  module.def("study", &call<StudyOptions, app::study>, py::arg("options"));
}

void bind_baselines(py::module_& module) {
  using app::BlessOptions;
  using app::CheckOptions;
  py::class_<BlessOptions>(module, "BlessOptions")
      .def(py::init<>())
      .def(
          "set_problems",
          [](BlessOptions& options, const std::vector<std::string>& paths) {
            options.problems.assign(paths.begin(), paths.end());
          },
          py::arg("paths"))
      .def(
          "set_recipes",
          [](BlessOptions& options, const std::vector<std::string>& names) {
            options.recipes.assign(names.begin(), names.end());
          },
          py::arg("names"))
      .def_readwrite("presets", &BlessOptions::presets)
      .def_readwrite("dumps", &BlessOptions::dumps)
      .def_readwrite("backend", &BlessOptions::backend)
      .def_readwrite("truth", &BlessOptions::truth)
      .def("set_cache", [](BlessOptions& options, const std::string& folder) { options.cache = {folder}; })
      .def_readwrite("basis", &BlessOptions::basis)
      .def_readwrite("seed", &BlessOptions::seed)
      .def_readwrite("edits", &BlessOptions::edits)
      .def_readwrite("threads", &BlessOptions::threads)
      .def_readwrite("output", &BlessOptions::output);
  module.def("bless", &call<BlessOptions, app::bless>, py::arg("options"));
  py::class_<CheckOptions>(module, "CheckOptions")
      .def(py::init<>())
      .def_readwrite("baseline", &CheckOptions::baseline)
      .def("set_cache", [](CheckOptions& options, const std::string& folder) { options.cache = {folder}; })
      .def_readwrite("factor", &CheckOptions::factor)
      .def_readwrite("threads", &CheckOptions::threads);
  module.def("check", &call<CheckOptions, app::check>, py::arg("options"));
}

Outcome rendered_again(const std::string& path) {
  return interruptible([&] { return app::render(path); });
}

Outcome converted(const std::string& input, const std::string& output, const std::vector<std::string>& dtypes) {
  return interruptible([&] { return app::convert({input, dtypes, output}); });
}

template <app::Thoroughness thoroughness>
Outcome self_tested(unsigned threads) {
  app::SelftestOptions options;
  options.thoroughness = thoroughness;
  options.threads = threads;
  return interruptible([&] { return app::selftest(options); });
}

}  // namespace

void bind_verbs(py::module_& module) {
  bind_outcome(module);
  bind_tolerance(module);
  bind_report(module);
  bind_compare(module);
  bind_diff(module);
  bind_study(module);
  bind_baselines(module);
  module.def("render", &rendered_again, py::arg("path"));
  module.def("list_topics", &app::list_topics);
  module.def("list", &listed, py::arg("topic"));
  module.def("inspect", &inspected, py::arg("path"));
  module.def("convert", &converted, py::arg("input"), py::arg("output"), py::arg("dtypes"));
  module.def("selftest", &self_tested<app::Thoroughness::quick>, py::arg("threads"));
  module.def("exhaustive_selftest", &self_tested<app::Thoroughness::exhaustive>, py::arg("threads"));
}

}  // namespace ulpscope::python
