// SPDX-License-Identifier: Apache-2.0
// The verb compare: a dump against the recipe that it claims and against the truth.
#include "core/judge/compare.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "app/save_case.hpp"
#include "app/session.hpp"
#include "app/summary.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/judge/owners.hpp"
#include "core/judge/sigma_map.hpp"

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
  Recipe recipe = edited(compressor::recipe_from_json(io::parse_json(found->second, where), where), options.edits);
  dump.notes.push_back("judged by the recipe that the dump names itself: '" + recipe.name + "'");
  return recipe;
}

/// A dump that says from which problem it was made, and it is another one.
std::optional<std::string> other_problem(const judge::Dump& dump, const Problem& problem) {
  const auto found = dump.metadata.find("problem.sha256");
  if (found == dump.metadata.end()) return std::nullopt;
  const std::string own = compressor::problem_sha256(problem);
  if (found->second == own) return std::nullopt;
  return fmt::format("{} was made from another problem: its problem.sha256 is {}, that of {} is {}", dump.source,
                     io::in_quotes(found->second), problem.source, io::in_quotes(own));
}

/// Without a recipe there is no arithmetic that --set could change, but stages may be left out all the same.
Recipe plain_truth(const RecipeEdits& edits) {
  if (!edits.settings.empty()) {
    throw InputError("--set changes a recipe, but neither --recipe nor the dump names one: " +
                     io::in_quotes(edits.settings.front()));
  }
  return edited(judge::plain_truth_recipe(), edits);
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

/// On what ground the rows pass.
std::string ground_of(const RunReport& run) {
  const auto any = [&](auto test) { return std::any_of(run.rows.begin(), run.rows.end(), test); };
  if (any([](const judge::Row& row) { return row.tolerance && !row.replay; }))
    return "every element is within the tolerance";
  if (any([](const judge::Row& row) { return row.replay && row.replay->explained != 1; }))
    return "every element is within 1 ulp and the freedom of sums of what recipe " + run.recipe + " gives";
  return "recipe " + run.recipe + " explains every element";
}

std::string undecided_sentence(const RunReport& run, const Counts& counts) {
  if (run.recipe.empty()) {
    return fmt::format("{} slots are undecided: name a recipe (--recipe) or a tolerance (--rtol, --atol, --ulp).",
                       counts.undecided);
  }
  const auto first = std::find_if(run.rows.begin(), run.rows.end(),
                                  [](const judge::Row& row) { return row.status == Status::undecided; });
  return fmt::format("{} of {} slots are undecided, first {}: {}.", counts.undecided, counts.judged,
                     judge::name_of(*first), first->reason);
}

std::string first_sentence(const RunReport& run, const compressor::Config& config) {
  const Counts counts = counts_of(run);
  const std::string by = run.recipe.empty() ? "the truth" : "recipe " + run.recipe;
  if (counts.failed != 0 && run.verdict) {
    return fmt::format("At stage {}: {}. {} of {} slots fail against {}.", run.verdict->stage, run.verdict->sentence,
                       counts.failed, counts.judged, by);
  }
  if (counts.failed != 0) return fmt::format("{} of {} slots fail.", counts.failed, counts.judged);
  if (config.windows() == 0) {
    return fmt::format("No entry could be judged: {} tokens are fewer than one window of {}.", config.seq,
                       config.ratio);
  }
  if (counts.judged == 0) return "Nothing could be judged: no slot of the dump holds an element.";
  if (counts.undecided != 0) return undecided_sentence(run, counts);
  const bool broken = std::any_of(run.invariants.begin(), run.invariants.end(),
                                  [](const judge::Invariant& one) { return one.status == Status::fail; });
  if (broken) return fmt::format("No slot fails by itself ({} judged), but an invariant does.", counts.judged);
  return fmt::format("All {} slots pass: {}.", counts.judged, ground_of(run));
}

std::vector<std::string> sentences(const RunReport& run, const compressor::Config& config) {
  std::vector<std::string> summary{first_sentence(run, config)};
  if (run.beyond_tables) {
    summary.push_back(fmt::format("Beyond the tables, the first to fail is {}, at stage {}: {}.",
                                  judge::name_of(*run.beyond_tables), run.beyond_tables->stage,
                                  run.beyond_tables->sentence));
  }
  for (const judge::Invariant& invariant : run.invariants) {
    if (invariant.status != Status::fail) continue;
    summary.push_back(fmt::format("Invariant {} is off by {:.2g}, where the recipe's formats allow {:.2g}.",
                                  invariant.name, invariant.residual, invariant.bound));
  }
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
    const bool output = row.tensor.empty() && row.slot == compressor::forward(compressor::Name::output);
    if (!output || !row.metrics || row.metrics->count == 0) continue;
    if (row.metrics->compared == 0) {
      summary.emplace_back("The output has no element that is finite there and in the truth.");
      continue;
    }
    summary.push_back(fmt::format("The output is off the truth by {:.2g} (rms) and at most {:.3g} ulp of {}{}.",
                                  row.metrics->rms_rel, row.metrics->max_ulp, row.format, extent_of(row)));
  }
  return summary;
}

/// Without an entry (fewer tokens than a window) nothing was decided, whatever the other slots say.
int exit_of(const RunReport& run, const compressor::Config& config) {
  const int code = judge::exit_code(run);
  const bool decided = config.windows() != 0 && counts_of(run).judged != 0;
  return decided ? code : judge::worse_exit(code, 3);
}

/// Totals by derived tolerances, or a note that says why not.
void tolerate(RunReport& run, const judge::Evidence& evidence, const judge::Truth& truth) {
  if (truth.info.basis == judge::Basis::quantized)
    judge::tolerate_totals(run, evidence, truth.tape);
  else
    run.notes.emplace_back(judge::why_no_tolerance_on_given);
}

}  // namespace

Outcome compare(const CompareOptions& options) {
  Truths truths(options.truth, options.cache, options.threads);
  const judge::Basis basis = judge::parse_basis(options.basis);
  judge::AttributionChoice attribution{std::nullopt, judge::parse_attribution_method(options.attribution)};
  if (options.target) attribution.target = compressor::parse_slot(*options.target);
  TypedReader reader(options.dtypes);
  const Problem given = reader.problem(options.problem);
  judge::Dump dump = read_dump(options.dump, given, options.map, reader);
  reader.require_used();
  const auto other = other_problem(dump, given);
  if (other) dump.notes.insert(dump.notes.begin(), *other);
  const Problem problem = judge::judged_problem(given, dump);
  const std::optional<Recipe> recipe = claimed_recipe(options, dump);
  const Recipe exact = recipe ? judge::truth_recipe(*recipe, problem.config, basis) : plain_truth(options.edits);
  const judge::Truth& truth = truths.of(problem, exact, recipe ? basis : judge::Basis::given);
  Report report;
  report.provenance = provenance(options.threads);
  report.problems.push_back(judge::describe(problem));
  report.runs.push_back(
      judge::compare(problem, dump, {recipe, truth}, {options.tolerance, options.slots, options.threads}));
  const judge::Evidence evidence{problem,       recipe ? *recipe : exact, dump.tape, truths.exact(),
                                 &dump.partial, options.threads};
  const auto judge_stages = recipe ? judge::split_and_bound_errors : judge::split_errors;
  judge_stages(report.runs.front(), evidence, truth.tape, truth.enclosures);
  judge::add_attribution(report.runs.front(), evidence, attribution);
  if (recipe) judge::add_expectation(report.runs.front(), evidence);
  if (attribution.target && !report.runs.front().attribution && problem.config.windows() != 0)
    throw InputError(report.runs.front().notes.back());
  if (recipe && !options.tolerance.given()) tolerate(report.runs.front(), evidence, truth);
  report.exit = exit_of(report.runs.front(), problem.config);
  report.summary = sentences(report.runs.front(), problem.config);
  if (other) report.summary.insert(report.summary.begin(), *other + '.');
  if (options.save_case) {
    report.summary.push_back(save_case(*options.save_case, {problem, dump, recipe, report.runs.front().verdict}));
  }
  return {judge::to_json(report), "", report.exit};
}

}  // namespace ulpscope::app
