// SPDX-License-Identifier: Apache-2.0
// The verbs bless and check: what runs and dumps are now, and whether they still are what somebody blessed.
#include "core/judge/baseline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "app/session.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/judge/baseline_check.hpp"
#include "core/judge/compare.hpp"
#include "core/judge/sigma_map.hpp"

namespace ulpscope::app {
namespace {

namespace fs = std::filesystem;
using compressor::Problem;
using compressor::Recipe;
using judge::Baseline;
using judge::BlessedProblem;
using judge::BlessedRun;

/// Where a baseline's files are named from.
fs::path folder_of(const std::string& baseline) {
  return baseline == "-" ? fs::current_path() : fs::absolute(baseline).parent_path();
}

std::string named_from(const fs::path& folder, const std::string& file) {
  const fs::path relative = fs::absolute(file).lexically_relative(folder);
  return (relative.empty() ? fs::absolute(file) : relative).generic_string();
}

bool same_bits(const std::map<std::string, judge::BlessedSlot>& a, const std::map<std::string, judge::BlessedSlot>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& one, const auto& other) {
    return one.first == other.first && one.second.bits == other.second.bits;
  });
}

/// Runs and dumps, measured into a baseline.
class Blessing {
 public:
  Blessing(fs::path folder, Truths truths, unsigned threads)
      : folder_(std::move(folder)), truths_(std::move(truths)), threads_(threads) {
    baseline_.truth = truths_.exact().info.tier;
  }

  Baseline& baseline() { return baseline_; }

  /// The problem that the next runs are on.
  void begin(const std::string& name, Problem problem, BlessedProblem origin) {
    truths_.clear();
    name_ = name;
    problem_ = std::move(problem);
    origin.sha256 = compressor::problem_sha256(problem_);
    baseline_.problems[name] = std::move(origin);
  }

  /// Where bits are not those of `before`, totals are judged by derived tolerances.
  void run(const Recipe& recipe, const Backend& backend, const BlessedRun* before = nullptr) {
    compressor::RunOptions options;
    options.threads = threads_;
    const compressor::Run done = backend.run(problem_, recipe, options);
    const judge::Truth& truth = truth_of(problem_, recipe);
    judge::RunReport report = judge::measure_run(problem_, done, truth, threads_);
    BlessedRun now{name_, recipe.name, std::string(backend.name), "", judge::bless(report, done.tape)};
    if (before != nullptr && !same_bits(before->slots, now.slots)) {
      now.untolerated = tolerate(report, {problem_, recipe, done.tape, truths_.exact(), nullptr, threads_}, truth);
      now.slots = judge::bless(report, done.tape);
    }
    add(std::move(now));
  }

  /// `file`: as the baseline names it.
  void judge_dump(const Recipe& recipe, const std::string& file) {
    TypedReader reader({});
    const judge::Dump dump = read_dump((folder_ / file).string(), problem_, std::nullopt, reader);
    const Problem problem = judge::judged_problem(problem_, dump);
    const judge::Truth& truth = truth_of(problem, recipe);
    judge::RunReport report = judge::compare(problem, dump, {recipe, truth}, {{}, std::nullopt, threads_});
    std::string untolerated =
        tolerate(report, {problem, recipe, dump.tape, truths_.exact(), &dump.partial, threads_}, truth);
    add({name_, recipe.name, "file", file, judge::bless(report, dump.tape), std::move(untolerated)});
  }

  static std::string name_of(const BlessedRun& run) {
    return fmt::format("{}, {}, {}", run.problem, run.recipe, run.dump.empty() ? run.backend : run.dump);
  }

 private:
  /// By derived tolerances; else why not.
  std::string tolerate(judge::RunReport& report, const judge::Evidence& evidence, const judge::Truth& truth) const {
    if (baseline_.basis != judge::Basis::quantized) return std::string(judge::why_no_tolerance_on_given);
    judge::tolerate_totals(report, evidence, truth.tape);
    return judge::why_no_sigma_map(evidence.problem.config);
  }
  const judge::Truth& truth_of(const Problem& problem, const Recipe& recipe) {
    return truths_.of(problem, judge::truth_recipe(recipe, problem.config, baseline_.basis), baseline_.basis);
  }
  void add(BlessedRun run) {
    std::string name = name_of(run);
    baseline_.runs[std::move(name)] = std::move(run);
  }

  fs::path folder_;
  Truths truths_;
  unsigned threads_;
  std::string name_;
  Problem problem_;
  Baseline baseline_;
};

std::vector<Recipe> named_recipes(const BlessOptions& options, Baseline& baseline) {
  std::vector<Recipe> recipes;
  for (const RecipeSource& source : options.recipes.empty() ? usual_recipes() : options.recipes) {
    Recipe recipe = edited_recipe(source, options.edits);
    if (baseline.recipes.contains(recipe.name))
      throw InputError("two recipes are named " + io::in_quotes(recipe.name) + "; a baseline tells them by name");
    baseline.recipes[recipe.name] = {is_builtin(recipe), recipe.spec};
    recipes.push_back(std::move(recipe));
  }
  return recipes;
}

/// Throws InputError: dumps are of one problem, and judged by one recipe; no input is written over.
void check_files(const BlessOptions& options) {
  for (const std::string& problem : options.problems) require_other_file(problem, options.output);
  for (const std::string& dump : options.dumps) require_other_file(dump, options.output);
  if (options.dumps.empty()) return;
  if (options.problems.size() + options.presets.size() != 1 || options.recipes.size() != 1)
    throw InputError("--dump needs the one PROBLEM that the dumps were made from, and one --recipe to judge them by");
}

struct Named {
  std::string name;
  Problem problem;
  BlessedProblem origin;
};

std::vector<Named> named_problems(const BlessOptions& options) {
  std::vector<Named> problems;
  for (const std::string& path : options.problems) {
    const std::string file = named_from(folder_of(options.output), path);
    problems.push_back({file, compressor::read_problem(path), {file, "", 0, ""}});
  }
  const bool usual = options.problems.empty() && options.presets.empty();
  for (const std::string& preset : usual ? usual_presets() : options.presets) {
    Problem problem = preset_problem(preset, options.seed, options.threads);
    const std::string name = problem.source;
    problems.push_back({name, std::move(problem), {"", preset, options.seed, ""}});
  }
  return problems;
}

std::size_t slot_count_of(const Baseline& baseline) {
  std::size_t count = 0;
  for (const auto& [name, run] : baseline.runs) count += run.slots.size();
  return count;
}

Problem problem_again(const std::string& name, const BlessedProblem& origin, const fs::path& folder, unsigned threads) {
  Problem problem = origin.file.empty() ? preset_problem(origin.preset, origin.seed, threads)
                                        : compressor::read_problem(folder / origin.file);
  if (compressor::problem_sha256(problem) == origin.sha256) return problem;
  throw InputError(
      fmt::format("{}: is not the problem that was blessed (its sha256 is another); bless anew", io::printable(name)));
}

Recipe recipe_again(const std::string& name, const judge::BlessedRecipe& blessed) {
  return blessed.builtin ? compressor::load_recipe(name) : compressor::recipe_from_json(blessed.spec, "recipe " + name);
}

/// Everything that `blessed` names, computed again.
Baseline again(const Baseline& blessed, const CheckOptions& options) {
  const fs::path folder = folder_of(options.baseline);
  Blessing blessing(folder, {blessed.truth, options.cache, options.threads}, options.threads);
  Baseline& baseline = blessing.baseline();
  baseline.basis = blessed.basis;
  std::map<std::string, Recipe> recipes;
  for (const auto& [name, recipe] : blessed.recipes) {
    const Recipe& now = recipes.emplace(name, recipe_again(name, recipe)).first->second;
    baseline.recipes[name] = {recipe.builtin, now.spec};
  }
  for (const auto& [name, origin] : blessed.problems) {
    blessing.begin(name, problem_again(name, origin, folder, options.threads), origin);
    for (const auto& [run_name, run] : blessed.runs) {
      if (run.problem != name) continue;
      if (options.progress) options.progress(run_name);
      const Recipe& recipe = recipes.at(run.recipe);
      run.dump.empty() ? blessing.run(recipe, backend_named(run.backend), &run) : blessing.judge_dump(recipe, run.dump);
    }
  }
  return std::move(baseline);
}

}  // namespace

Outcome bless(const BlessOptions& options) {
  check_files(options);
  const Backend& backend = backend_named(options.backend);
  Blessing blessing(folder_of(options.output), {options.truth, options.cache, options.threads}, options.threads);
  Baseline& baseline = blessing.baseline();
  baseline.provenance = provenance(options.threads);
  baseline.basis = judge::parse_basis(options.basis);
  const std::vector<Recipe> recipes = named_recipes(options, baseline);
  for (Named& one : named_problems(options)) {
    if (baseline.problems.contains(one.name)) throw InputError(io::shown(one.name) + ": is named twice");
    blessing.begin(one.name, std::move(one.problem), one.origin);
    for (const Recipe& recipe : recipes) {
      if (options.progress) options.progress(fmt::format("{}: {}", one.name, recipe.name));
      if (options.dumps.empty()) blessing.run(recipe, backend);
      for (const std::string& dump : options.dumps) {
        blessing.judge_dump(recipe, named_from(folder_of(options.output), dump));
      }
    }
  }
  io::write_text(output_path(options.output), judge::baseline_text(baseline));
  return {{},
          written(options.output, fmt::format("{} slots of {} runs", slot_count_of(baseline), baseline.runs.size())),
          0};
}

Outcome check(const CheckOptions& options) {
  const std::string where = io::shown(options.baseline);
  const judge::Baseline blessed = judge::baseline_from_json(io::read_json(options.baseline), where);
  const double factor = options.factor.value_or(judge::usual_factor);
  if (!(factor >= 1)) throw InputError(fmt::format("--factor must be a number from 1 on, found {:g}", factor));
  const std::vector<judge::RunCheck> checks = judge::check(blessed, again(blessed, options), factor);
  io::Json report = judge::to_json(checks, {where, blessed.provenance, provenance(options.threads), factor});
  const int exit = report["exit"].get<int>();
  return {std::move(report), "", exit};
}

}  // namespace ulpscope::app
