// SPDX-License-Identifier: Apache-2.0
// The main job: recipes on problems against their truths, and what a person should do about it.
#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "app/session.hpp"
#include "app/summary.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/judge/compare.hpp"

namespace ulpscope::app {
namespace {

using compressor::Problem;
using compressor::Recipe;
using judge::Report;
using judge::RunReport;

const std::vector<std::string> usual_recipes{"fp32", "native", "hf", "pr3810", "maxtext", "bf16-pure"};
const std::vector<std::string> usual_presets{"small-csa", "small-hca"};

Problem preset_problem(const std::string& name, std::uint64_t seed, unsigned threads) {
  compressor::MakeOptions options;
  options.seed = seed;
  options.threads = threads;
  Problem problem = compressor::make_problem(compressor::preset(name), options);
  problem.source = fmt::format("preset {}, seed {}", name, seed);
  return problem;
}

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

bool exceeds(const RunReport& run, const Condition& condition) {
  for (const judge::Row& row : run.rows) {
    if (!row.metrics || row.metrics->compared == 0) continue;
    if (!(condition.metric->value(*row.metrics) <= condition.limit)) return true;
  }
  return false;
}

int condition_exit(const Report& report, const std::vector<Condition>& conditions) {
  int code = 0;
  for (const RunReport& run : report.runs) {
    const int judged = judge::exit_code(run);
    for (const Condition& condition : conditions) {
      if (condition.word == "fail" && judged == 1) code = judge::worse_exit(code, 1);
      if (condition.word == "undecided" && judged == 3) code = judge::worse_exit(code, 3);
      if (condition.metric != nullptr && exceeds(run, condition)) code = judge::worse_exit(code, 1);
    }
  }
  return code;
}

class Reporting {
 public:
  explicit Reporting(const ReportOptions& options)
      : options_(options), backend_(backend_named(options.backend)), truths_(options.threads) {
    check_tier(options.truth);
    for (const std::string& text : options.fail_on) conditions_.push_back(parse_condition(text));
    for (const std::string& name : options.recipes.empty() ? usual_recipes : options.recipes) {
      recipes_.push_back(edited_recipe(name, options.edits));
    }
    basis_ = recipes_.size() == 1 ? judge::Basis::quantized : judge::Basis::given;
    if (options.basis) basis_ = judge::parse_basis(*options.basis);
  }

  Outcome run() {
    report_.provenance = provenance(options_.threads);
    for (const std::string& path : options_.problems) add_problem(compressor::read_problem(path));
    const bool usual = options_.problems.empty() && options_.presets.empty();
    for (const std::string& name : usual ? usual_presets : options_.presets) {
      add_problem(preset_problem(name, options_.seed, options_.threads));
    }
    report_.summary = summary_of(report_);
    report_.exit = condition_exit(report_, conditions_);
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
  }

  void add_run(const Problem& problem, const Recipe& recipe) {
    compressor::RunOptions run_options;
    run_options.threads = options_.threads;
    const compressor::Run run = backend_.run(problem, recipe, run_options);
    const judge::Truth& truth = truths_.of(problem, judge::truth_recipe(recipe, problem.config, basis_), basis_);
    report_.runs.push_back(judge::measure_run(problem, run, truth, options_.threads));
    report_.runs.back().problem = report_.problems.size() - 1;
  }

  const ReportOptions& options_;
  const Backend& backend_;
  Truths truths_;
  std::vector<Condition> conditions_;
  std::vector<Recipe> recipes_;
  judge::Basis basis_ = judge::Basis::given;
  Report report_;
};

}  // namespace

Outcome report(const ReportOptions& options) { return Reporting(options).run(); }

}  // namespace ulpscope::app
