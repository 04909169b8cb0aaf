// SPDX-License-Identifier: Apache-2.0
// The verbs compare and diff.
#include "core/judge/compare.hpp"

#include <fmt/format.h>

#include "app/session.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/io/tensor_file.hpp"

namespace ulpscope::app {
namespace {

using compressor::Problem;
using compressor::Recipe;
using judge::Report;
using judge::RunReport;
using judge::Status;

/// The claimed recipe; else the one that the dump itself names.
std::optional<Recipe> claimed_recipe(const CompareOptions& options, judge::Dump& dump) {
  if (options.recipe) return edited_recipe(*options.recipe, options.edits);
  const auto found = dump.metadata.find("recipe");
  if (found == dump.metadata.end() || found->second.empty()) return std::nullopt;
  const std::string where = dump.source + ": recipe";
  Recipe recipe = compressor::recipe_from_json(io::parse_json(found->second, where), where);
  for (const std::string& setting : options.edits.settings) recipe = compressor::with_setting(recipe, setting);
  dump.notes.push_back("judged by the recipe that the dump names itself: '" + recipe.name + "'");
  return recipe;
}

struct Counts {
  std::size_t judged = 0;
  std::size_t failed = 0;
  std::size_t undecided = 0;
};

Counts counts_of(const RunReport& run) {
  Counts counts;
  for (const judge::Row& row : run.rows) {
    const bool judged = row.status == Status::ok || row.status == Status::fail || row.status == Status::undecided;
    counts.judged += judged;
    counts.failed += row.status == Status::fail;
    counts.undecided += row.status == Status::undecided;
  }
  return counts;
}

std::string first_sentence(const RunReport& run, const Counts& counts) {
  const std::string by = run.recipe.empty() ? "the truth" : "recipe " + run.recipe;
  if (counts.judged == 0) return "Nothing could be judged: no slot of the dump holds an element.";
  if (counts.failed != 0 && run.verdict) {
    return fmt::format("At stage {}: {}. {} of {} slots fail against {}.", run.verdict->stage, run.verdict->sentence,
                       counts.failed, counts.judged, by);
  }
  if (counts.failed != 0) return fmt::format("{} of {} slots fail.", counts.failed, counts.judged);
  if (counts.undecided != 0)
    return fmt::format("{} slots are undecided: name a recipe (--recipe) or a tolerance (--rtol, --atol, --ulp).",
                       counts.undecided);
  return fmt::format("All {} slots pass: {} explains every element.", counts.judged, by);
}

std::vector<std::string> sentences(const RunReport& run) {
  const Counts counts = counts_of(run);
  std::vector<std::string> summary{first_sentence(run, counts)};
  double equal = 0;
  double elements = 0;
  for (const judge::Row& row : run.rows) {
    if (!row.replay || !row.metrics) continue;
    const auto count = static_cast<double>(row.metrics->count);
    elements += count;
    equal += row.replay->bits_equal * count;
  }
  if (elements != 0)
    summary.push_back(
        fmt::format("{:.4f}% of {} elements have the recipe's own bits.", 100 * equal / elements, elements));
  for (const judge::Row& row : run.rows) {
    const bool output = row.slot == compressor::forward(compressor::Name::output);
    if (!output || !row.metrics || row.metrics->compared == 0) continue;
    summary.push_back(fmt::format("The output is off the truth by {:.2g} (rms) and at most {:.3g} ulp of {}.",
                                  row.metrics->rms_rel, row.metrics->max_ulp, row.format));
  }
  return summary;
}

Outcome finished(Report report, unsigned threads) {
  report.provenance = provenance(threads);
  RunReport& run = report.runs.front();
  report.exit = judge::exit_code(run);
  if (counts_of(run).judged == 0) report.exit = judge::worse_exit(report.exit, 3);
  report.summary = sentences(run);
  return {judge::to_json(report), "", report.exit};
}

}  // namespace

Outcome compare(const CompareOptions& options) {
  check_tier(options.truth);
  const judge::Basis basis = judge::parse_basis(options.basis);
  const Problem given = compressor::read_problem(options.problem);
  judge::Dump dump = read_dump(options.dump, given, options.map, options.dtypes);
  const Problem problem = judge::judged_problem(given, dump);
  const std::optional<Recipe> recipe = claimed_recipe(options, dump);
  Truths truths(options.threads);
  const judge::CompareOptions judged{options.tolerance, options.slots, options.threads};
  Report report;
  report.problems.push_back(judge::describe(problem));
  report.runs.push_back(
      judge::compare(problem, dump, {recipe, truths.of(problem, recipe ? &*recipe : nullptr, basis)}, judged));
  report.runs.front().truth.basis = recipe ? basis : judge::Basis::given;
  return finished(std::move(report), options.threads);
}

namespace {

/// What the dumps' tensors are slots of: a named problem, or the config that a dump carries.
Problem common_problem(const DiffOptions& options) {
  if (options.problem) return compressor::read_problem(*options.problem);
  for (const std::string& path : {options.first, options.second}) {
    const io::TensorFile file = io::read_tensors(path);
    const auto found = file.metadata.find("config");
    if (found == file.metadata.end()) continue;
    const std::string where = io::shown(path) + ": config";
    Problem problem;
    problem.config = compressor::config_from_json(io::parse_json(found->second, where), where);
    problem.source = io::shown(path);
    return problem;
  }
  throw InputError(io::shown(options.first) + ": neither dump carries a config; name their problem with --problem");
}

}  // namespace

Outcome diff(const DiffOptions& options) {
  const Problem problem = common_problem(options);
  const judge::Dump first = read_dump(options.first, problem, options.map, {});
  const judge::Dump second = read_dump(options.second, problem, options.map, {});
  Report report;
  report.problems.push_back(judge::describe(problem));
  report.runs.push_back(judge::diff(problem, first, second, {options.tolerance, options.slots, options.threads}));
  return finished(std::move(report), options.threads);
}

}  // namespace ulpscope::app
