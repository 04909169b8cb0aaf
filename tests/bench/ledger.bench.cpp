// SPDX-License-Identifier: Apache-2.0
// The ledger and the certificates of a traced run against the run.
#include "core/judge/ledger.hpp"

#include <limits>
#include <utility>

#include "core/compressor/run.hpp"
#include "core/judge/nonfinite.hpp"
#include "core/judge/truth.hpp"
#include "tests/bench/bench.hpp"

namespace {

using namespace ulpscope;
using compressor::Name;

/// A recipe's run on a preset of that many tokens.
struct Work {
  std::string title;
  std::string recipe;
  std::size_t tokens = 256;
  std::vector<std::string> settings = {};
  double gate_sigma = 1.5;
  const char* preset = "v4-flash-csa";
};

/// What passes over a run's slots need: the run, and the truth of its problem.
struct Traced {
  compressor::Problem problem;
  compressor::Recipe recipe;
  compressor::RunOptions options;
  compressor::Tape truth;
  compressor::Run run;
};

compressor::Problem problem_of(const Work& work, unsigned threads) {
  compressor::Config config = compressor::preset(work.preset);
  config.seq = work.tokens;
  compressor::MakeOptions make;
  make.threads = threads;
  make.gate_sigma = work.gate_sigma;
  return compressor::make_problem(config, make);
}

Traced traced(const Work& work, compressor::Problem problem, unsigned threads) {
  compressor::Recipe recipe = compressor::load_recipe(work.recipe);
  for (const std::string& setting : work.settings) recipe = compressor::with_setting(recipe, setting);
  compressor::RunOptions options;
  options.threads = threads;
  const auto exact = judge::truth_recipe(recipe, problem.config, judge::Basis::quantized);
  compressor::Tape truth = compressor::run_traced(problem, exact, options).tape;
  compressor::Run run = compressor::run_traced(problem, recipe, options);
  return {std::move(problem), std::move(recipe), options, std::move(truth), std::move(run)};
}

template <class F>
bench::Times beside_run(Traced& of, int rounds, F&& work) {
  return bench::in_turns(rounds, work, [&of] { of.run = compressor::run_traced(of.problem, of.recipe, of.options); });
}

void time_ledger(bench::Report& report, const Work& work, int rounds) {
  Traced of = traced(work, problem_of(work, report.threads()), report.threads());
  std::vector<judge::LedgerLine> lines;
  const auto times = beside_run(of, rounds, [&] {
    const judge::Replayer replayer(of.problem, of.recipe, of.run.tape, report.threads());
    lines = judge::keep_ledger({of.problem, of.recipe, of.run.tape, of.truth, replayer, judge::Gaps::leave});
  });
  std::uint64_t zeros = 0;
  for (const judge::LedgerLine& line : lines) zeros += line.became_zero.value_or(0);
  bench::require_equal(static_cast<double>(lines.empty()), 0, "a ledger without lines");
  const bool loses = work.settings.empty() && work.gate_sigma == 1.5;
  if (!loses) bench::require_equal(static_cast<double>(zeros == 0), 0, "nothing was lost");
  report.add({"ledger, " + work.title, "traced run", bench::Goal::at_most, 0.3}, static_cast<double>(work.tokens),
             times);
}

/// Which numbers of `hidden` are NaN: one of the middle token; one of every token.
enum class Planted : unsigned char { one, every_token };

compressor::Problem with_nan(compressor::Problem problem, Planted planted) {
  compressor::Tensor& hidden = problem.inputs.at(Name::hidden);
  std::vector<double> values = compressor::to_doubles(hidden);
  const std::size_t width = problem.config.hidden;
  const std::size_t middle = problem.config.seq / 2;
  for (std::size_t token = 0; token < problem.config.seq; ++token) {
    if (planted == Planted::every_token || token == middle)
      values[token * width + 7] = std::numeric_limits<double>::quiet_NaN();
  }
  std::vector<float> floats(values.begin(), values.end());
  hidden = {hidden.shape, std::move(floats), hidden.dtype};
  return problem;
}

/// Certificates without cures against the run: cures are runs, and are told apart.
void time_births(bench::Report& report, const Work& work, compressor::Problem problem, int rounds) {
  Traced of = traced(work, std::move(problem), report.threads());
  judge::Nonfinite found;
  const auto certify = [&](judge::Cures cures) {
    found = judge::certify({of.problem, of.recipe, of.run.tape, of.truth}, report.threads(), cures);
  };
  const auto times = beside_run(of, rounds, [&] { certify(judge::Cures::leave); });
  bench::require_equal(static_cast<double>(found.certificates.empty()), 0, "no certificate");
  report.add({"births, " + work.title, "traced run", bench::Goal::at_most, 0.3}, static_cast<double>(work.tokens),
             times);
  const double with_cures = bench::seconds([&] { certify(judge::Cures::run); });
  report.note("births, " + work.title + ", with cures, in runs", with_cures / times.limit);
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run("ledger and certificates of a traced run", argc, argv, [](bench::Report& report) {
    for (const std::size_t tokens : {256, 512}) {
      for (const char* recipe : {"hf", "fp32", "bf16-pure"}) time_ledger(report, {recipe, recipe, tokens}, 2);
      time_ledger(report, {"fp16-pure, gate_sigma 12", "fp16-pure", tokens, {}, 12}, 2);
      for (const std::string scale : {"1e-6", "3e-7", "1e-8"})
        time_ledger(report, {"fp16-pure, loss_scale " + scale, "fp16-pure", tokens, {"loss_scale=" + scale}}, 2);
      for (const char* recipe : {"hf", "fp32", "bf16-pure", "fp16-pure"}) {
        for (const Planted planted : {Planted::one, Planted::every_token}) {
          const Work work{recipe + std::string(planted == Planted::one ? ", a NaN token" : ", NaN tokens"), recipe,
                          tokens};
          time_births(report, work, with_nan(problem_of(work, report.threads()), planted), 2);
        }
      }
    }
  });
}
