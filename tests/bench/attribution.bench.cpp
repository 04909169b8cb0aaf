// SPDX-License-Identifier: Apache-2.0
// Attribution of the output of v4-flash-csa over all stages, beyond the run; and what else of blame a report adds.
#include <cmath>

#include "app/advice.hpp"
#include "core/compressor/run.hpp"
#include "core/judge/compare.hpp"
#include "core/judge/owners.hpp"
#include "core/judge/truth.hpp"
#include "tests/bench/bench.hpp"

namespace {

using namespace ulpscope;

const compressor::Slot output = compressor::forward(compressor::Name::output);

compressor::Problem problem_of(std::size_t tokens, unsigned threads) {
  compressor::Config config = compressor::preset("v4-flash-csa");
  config.seq = tokens;
  compressor::MakeOptions options;
  options.threads = threads;
  return compressor::make_problem(config, options);
}

compressor::RunOptions on_threads(unsigned threads) {
  compressor::RunOptions options;
  options.threads = threads;
  return options;
}

/// Shares of honest runs sum to 1; the only cast of a recipe owns all of it, whichever stage has it.
void check(const compressor::Problem& problem, unsigned threads) {
  const judge::Exact exact = judge::exact_in_fp64();
  const auto attributed = [&](const compressor::Recipe& recipe) {
    const compressor::Tape run = compressor::run_traced(problem, recipe, on_threads(threads)).tape;
    return judge::attribute_by_ladder({problem, recipe, run, exact, nullptr, threads}, output);
  };
  for (const char* stage : {"project_kv", "softmax", "pool", "rotate"}) {
    const auto recipe = compressor::with_setting(compressor::load_recipe("fp64"), std::string(stage) + ".storage=bf16");
    for (const judge::Owner& owner : judge::owners_of(attributed(recipe)))
      bench::require_within(std::fabs(owner.share.value() - (owner.name == stage ? 1 : 0)), 1e-9, owner.name);
  }
  double sum = 0;
  for (const judge::Owner& owner : judge::owners_of(attributed(compressor::load_recipe("hf")))) sum += *owner.share;
  bench::require_within(std::fabs(sum - 1), 1e-9, "the sum of shares");
}

/// Seconds.
constexpr double allowed_for_all = 20;

/// Attribution against `allowed` seconds; one turn is long enough.
void time_blame(bench::Report& report, std::size_t tokens, double allowed) {
  const compressor::Problem problem = problem_of(tokens, report.threads());
  const compressor::Recipe recipe = compressor::load_recipe("hf");
  const compressor::Run run = compressor::run_traced(problem, recipe, on_threads(report.threads()));
  const judge::Exact exact = judge::exact_in_fp64();
  const judge::Evidence evidence{problem, recipe, run.tape, exact, nullptr, report.threads(), &run.tape};
  judge::Attribution attribution;
  const double time = bench::seconds([&] { attribution = judge::attribute_by_ladder(evidence, output); });
  report.add({"attribution of the output", "allowed", bench::Goal::at_most, 1}, static_cast<double>(tokens),
             {time, allowed, time, allowed});

  judge::Truth truth{{}, judge::truth_recipe(recipe, problem.config, judge::Basis::quantized), {}};
  truth.tape = compressor::run_traced(problem, truth.recipe, on_threads(report.threads())).tape;
  judge::RunReport rows = judge::measure_run(problem, run, truth, report.threads());
  rows.attribution = attribution;
  double all = time;
  const auto note = [&](const char* what, auto&& work) {
    const double seconds = bench::seconds(work);
    report.note(fmt::format("{}, S = {}, seconds", what, tokens), seconds);
    all += seconds;
  };
  note("local and inherited errors, bounds", [&] { judge::split_and_bound_errors(rows, evidence, truth.tape); });
  note("expected shares", [&] { judge::add_expectation(rows, evidence); });
  const auto again = [&](const compressor::Recipe& changed, const compressor::Tape& given) {
    const auto partial = compressor::run_from(problem, changed, {given, {output}}, on_threads(report.threads()));
    return partial.tape.find(output)->tensor;
  };
  std::vector<std::string> advice;
  note("advice", [&] { advice = app::advice_on({problem, recipe, run.tape, rows, exact, again, report.threads()}); });
  bench::require_within(std::fabs(static_cast<double>(advice.size()) - 3), 0, "sentences");
  report.add({"all of blame", "allowed", bench::Goal::at_most, 1}, static_cast<double>(tokens),
             {all, allowed_for_all, all, allowed_for_all});
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run("attribution of the output of v4-flash-csa", argc, argv, [](bench::Report& report) {
    check(problem_of(64, report.threads()), report.threads());
    time_blame(report, 512, 10);
    time_blame(report, 1024, 20);
  });
}
