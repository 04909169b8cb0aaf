// SPDX-License-Identifier: Apache-2.0
// The ledger of a traced run against the run.
#include "core/judge/ledger.hpp"

#include <string_view>

#include "core/compressor/run.hpp"
#include "core/judge/truth.hpp"
#include "tests/bench/bench.hpp"

namespace {

using namespace ulpscope;

struct Work {
  const char* preset;
  std::size_t tokens;
  std::vector<std::string> settings;
};

/// `rounds` turns of one run and one ledger.
void time_ledger(bench::Report& report, const std::string& name, const Work& work, int rounds) {
  compressor::Config config = compressor::preset(work.preset);
  config.seq = work.tokens;
  compressor::MakeOptions make;
  make.threads = report.threads();
  const compressor::Problem problem = compressor::make_problem(config, make);
  compressor::Recipe recipe = compressor::load_recipe(name);
  for (const std::string& setting : work.settings) recipe = compressor::with_setting(recipe, setting);
  compressor::RunOptions options;
  options.threads = report.threads();
  const auto exact = judge::truth_recipe(recipe, config, judge::Basis::quantized);
  const compressor::Tape truth = compressor::run_traced(problem, exact, options).tape;
  compressor::Run run = compressor::run_traced(problem, recipe, options);
  std::vector<judge::LedgerLine> lines;
  const auto times = bench::in_turns(
      rounds,
      [&] {
        const judge::Replayer replayer(problem, recipe, run.tape, report.threads());
        lines = judge::keep_ledger({problem, recipe, run.tape, truth, replayer, judge::Gaps::leave});
      },
      [&] { run = compressor::run_traced(problem, recipe, options); });
  std::uint64_t zeros = 0;
  for (const judge::LedgerLine& line : lines) zeros += line.became_zero.value_or(0);
  bench::require_equal(static_cast<double>(lines.empty()), 0, "a ledger without lines");
  const std::string title = name + " on " + work.preset;
  if (work.settings.empty() && std::string_view(work.preset) == "v4-flash-csa") {
    report.add({title, "traced run", bench::Goal::at_most, 0.3}, static_cast<double>(work.tokens), times);
    return;
  }
  report.note(title + (work.settings.empty() ? "" : ", everything lost"),
              {{"ratio", times.work / times.limit}, {"became_zero", zeros}});
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run("ledger of a traced run", argc, argv, [](bench::Report& report) {
    time_ledger(report, "hf", {"v4-flash-csa", 256, {}}, 2);
    time_ledger(report, "fp32", {"v4-flash-csa", 256, {}}, 5);
    time_ledger(report, "bf16-pure", {"v4-flash-csa", 256, {}}, 5);
    // No goal: a run of 2 ms, and gradients so small that every matrix product is 0 and has to be recomputed.
    time_ledger(report, "fp32", {"small-csa", 256, {}}, report.rounds());
    time_ledger(report, "fp16-pure", {"v4-flash-csa", 256, {"loss_scale=1e-6"}}, 2);
  });
}
