// SPDX-License-Identifier: Apache-2.0
// The main job: recipes on problems against their truths, and what a person should do about it.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "app/advice.hpp"
#include "app/session.hpp"
#include "app/summary.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/judge/compare.hpp"
#include "core/judge/owners.hpp"
#include "core/judge/sigma_map.hpp"

namespace ulpscope::app {
namespace {

using compressor::Problem;
using compressor::Recipe;
using judge::Report;
using judge::RunReport;

/// Neither problems nor presets are named: those of the usual presets.
bool are_usual(const ReportOptions& options) { return options.problems.empty() && options.presets.empty(); }

/// "fail", "undecided", or "METRIC>X".
struct Condition {
  std::string word;
  const judge::MetricInfo* metric = nullptr;
  double limit = 0;
};

Condition parse_condition(const std::string& text) {
  if (text == "fail" || text == "undecided") return {text, nullptr, 0};
  const std::size_t sign = text.find('>');
  double limit = 0;
  const char* end = text.data() + text.size();
  const auto parsed = sign == std::string::npos ? std::from_chars_result{end, std::errc::invalid_argument}
                                                : std::from_chars(text.data() + sign + 1, end, limit);
  if (parsed.ec != std::errc() || parsed.ptr != end || std::isnan(limit)) {
    throw InputError("--fail-on: " + io::in_quotes(text) + " is none of: fail, undecided, METRIC>NUMBER");
  }
  return {"", &judge::metric_named(text.substr(0, sign)), limit};
}

/// The rows of a run that a condition is about; a magnitude needs an element to be measured on.
bool exceeds(const judge::Row& row, const Condition& condition) {
  if (!row.metrics || row.metrics->count == 0) return false;
  const double value = condition.metric->value(*row.metrics);
  const bool measured = row.metrics->compared != 0 || !std::isnan(value);
  return measured && !(value <= condition.limit);
}

/// What --fail-on finds: rows that fail by it, the exit code, a sentence for each condition that is met.
class FailOn {
 public:
  explicit FailOn(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) conditions_.push_back(parse_condition(text));
  }

  void judge(Report& report) const {
    std::vector<int> codes;  // before any row is marked
    for (const RunReport& run : report.runs) codes.push_back(judge::exit_code(run));
    for (const Condition& condition : conditions_) {
      if (condition.metric != nullptr) {
        judge_metric(report, condition);
      } else {
        judge_status(report, condition, codes);
      }
    }
  }

 private:
  static std::string place(const Report& report, const RunReport& run, const judge::Row& row) {
    return fmt::format("{} of {} on {}", judge::name_of(row), run.recipe, report.problems[run.problem].source);
  }

  static void judge_status(Report& report, const Condition& condition, const std::vector<int>& codes) {
    const int code = condition.word == "fail" ? 1 : 3;
    const judge::Status status = code == 1 ? judge::Status::fail : judge::Status::undecided;
    for (std::size_t i = 0; i < report.runs.size(); ++i) {
      if (codes[i] != code) continue;
      report.exit = judge::worse_exit(report.exit, code);
      for (const judge::Row& row : report.runs[i].rows) {
        if (row.status != status) continue;
        report.summary.push_back(
            fmt::format("--fail-on {}: {}: {}.", condition.word, place(report, report.runs[i], row), row.reason));
        return;
      }
    }
  }

  static void judge_metric(Report& report, const Condition& condition) {
    std::size_t count = 0;
    double largest = -HUGE_VAL;
    std::string worst;
    for (RunReport& run : report.runs) {
      for (judge::Row& row : run.rows) {
        if (!exceeds(row, condition)) continue;
        const double value = condition.metric->value(*row.metrics);
        const std::string what =
            fmt::format("{} is {:.3g}, above {:g}", condition.metric->name, value, condition.limit);
        if (!(value <= largest)) worst = fmt::format("in {}, {}", place(report, run, row), what);
        largest = std::max(largest, value);
        ++count;
        if (row.status != judge::Status::fail) row.reason = what;
        row.status = judge::Status::fail;
      }
    }
    if (count == 0) return;
    report.exit = judge::worse_exit(report.exit, 1);
    const std::string more = count > 1 ? fmt::format(", and {} more slots exceed it", count - 1) : "";
    report.summary.push_back(
        fmt::format("--fail-on {}>{:g}: {}{}.", condition.metric->name, condition.limit, worst, more));
  }

  std::vector<Condition> conditions_;
};

class Reporting {
 public:
  explicit Reporting(const ReportOptions& options)
      : options_(options),
        backend_(backend_named(options.backend)),
        truths_(options.truth.value_or(are_usual(options) ? "certified" : "fp64"), options.cache, options.threads),
        exact_(options.truth ? truths_.exact() : judge::exact_in_fp64()),
        fail_on_(options.fail_on),
        reader_(options.dtypes) {
    for (const RecipeSource& recipe : options.recipes.empty() ? usual_recipes() : options.recipes) {
      recipes_.push_back(edited_recipe(recipe, options.edits));
    }
    basis_ = recipes_.size() == 1 ? judge::Basis::quantized : judge::Basis::given;
    if (options.basis) basis_ = judge::parse_basis(*options.basis);
    if (options.target) attribution_.target = compressor::parse_slot(*options.target);
    attribution_.method = judge::parse_attribution_method(options.attribution);
  }

  Outcome run() {
    report_.provenance = provenance(options_.threads);
    for (const ProblemSource& problem : options_.problems) add_problem(reader_.problem(problem));
    reader_.require_used();
    for (const std::string& name : are_usual(options_) ? usual_presets() : options_.presets) {
      add_problem(preset_problem(name, options_.seed, options_.threads));
    }
    require_target();
    report_.summary = summary_of(report_);
    report_.summary.insert(report_.summary.end(), advice_.begin(), advice_.end());
    fail_on_.judge(report_);
    return {judge::to_json(report_), "", report_.exit};
  }

 private:
  void add_problem(const Problem& problem) {
    truths_.clear();
    report_.problems.push_back(judge::describe(problem));
    for (const Recipe& recipe : recipes_) {
      if (options_.progress) options_.progress(fmt::format("{}: {}", problem.source, recipe.name));
      add_run(problem, recipe);
    }
    if (advice_.empty()) advise(problem);
  }

  /// Sentences about one run of the problem; of several its slots are computed again, since none are kept beyond their
  /// rows.
  void advise(const Problem& problem) {
    const RunReport* chosen = worth_advice(report_.runs, report_.problems.size() - 1);
    if (chosen == nullptr) return;
    const std::size_t first = report_.runs.size() - recipes_.size();
    const Recipe& recipe = recipes_[static_cast<std::size_t>(chosen - report_.runs.data()) - first];
    const compressor::Slot target = chosen->attribution->target;
    const auto again = [&](const Recipe& changed, const compressor::Tape& given) {
      compressor::RunOptions run_options;
      run_options.threads = options_.threads;
      return compressor::run_from(problem, changed, {given, {target}}, run_options).tape.find(target)->tensor;
    };
    const bool tried = judge::operations_of(problem.config) <= most_operations_of_advice;
    compressor::Tape run;
    if (tried) run = only_run_ ? std::move(*only_run_) : run_of(problem, recipe).tape;
    advice_ = advice_on({problem, recipe, std::move(run), *chosen, exact_, again, options_.threads});
  }

  compressor::Run run_of(const Problem& problem, const Recipe& recipe) const {
    compressor::RunOptions run_options;
    run_options.threads = options_.threads;
    return backend_.run(problem, recipe, run_options);
  }

  /// Every backend has the traced run's bits; the fused one does not keep all slots.
  const compressor::Tape* own_of(const compressor::Run& run) const {
    return run.backend == "fused" ? nullptr : &run.tape;
  }

  void add_run(const Problem& problem, const Recipe& recipe) {
    compressor::Run run = run_of(problem, recipe);
    const judge::Truth& truth = truths_.of(problem, judge::truth_recipe(recipe, problem.config, basis_), basis_);
    report_.runs.push_back(judge::measure_run(problem, run, truth, options_.threads));
    report_.runs.back().problem = report_.problems.size() - 1;
    const judge::Evidence evidence{problem, recipe, run.tape, exact_, nullptr, options_.threads, own_of(run)};
    judge::split_and_bound_errors(report_.runs.back(), evidence, truth.tape, truth.enclosures);
    judge::add_attribution(report_.runs.back(), evidence, attribution_);
    if (recipes_.size() != 1) return;
    judge::add_expectation(report_.runs.back(), evidence);
    only_run_ = std::move(run.tape);
  }

  /// A target that no run has is a mistake; one that some recipes omit is a note of theirs.
  void require_target() const {
    if (!attribution_.target || report_.runs.empty()) return;
    for (const RunReport& run : report_.runs) {
      if (run.attribution || run.notes.empty()) return;
    }
    throw InputError(report_.runs.front().notes.back());
  }

  const ReportOptions& options_;
  const Backend& backend_;
  Truths truths_;
  judge::Exact exact_;  ///< splits errors: in the tier that was asked for, else in fp64
  FailOn fail_on_;
  TypedReader reader_;
  std::vector<Recipe> recipes_;
  judge::Basis basis_ = judge::Basis::given;
  judge::AttributionChoice attribution_;
  std::optional<compressor::Tape> only_run_;  ///< of one recipe on the last problem
  std::vector<std::string> advice_;
  Report report_;
};

}  // namespace

Outcome report(const ReportOptions& options) { return Reporting(options).run(); }

}  // namespace ulpscope::app
