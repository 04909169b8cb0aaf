// SPDX-License-Identifier: Apache-2.0
// Sentences of the ledger, by hand: pads above the tokens, formats that give no 0 for sure, maxima that stay.
#include "core/judge/ledger_sentence.hpp"

#include <cmath>

#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using Catch::Matchers::Contains;
using judge::LedgerLine;

namespace {

std::string said(const LedgerLine& line) { return judge::sentence_of(line, {line}); }

LedgerLine with_pads(double pad, double gap, double needed) {
  LedgerLine line;
  line.slot = compressor::forward(compressor::Name::weights);
  line.pads.emplace();
  line.pads->pad = pad;
  line.pads->gap = gap;
  line.pads->needed = needed;
  line.pads->nearest.place = "window 0, channel 3";
  return line;
}

}  // namespace

TEST_CASE("pads below the maximum, above every token, and where no gap is enough") {
  CHECK(
      said(with_pads(-30, 28.5, 104)) ==
      "pads of -30 stand 28.5 below the maximum at the nearest (window 0, channel 3); 104 below it make their weight 0 "
      "for sure: short by 75.5");
  CHECK(said(with_pads(0, -0.5, 104)) ==
        "pads of 0 stand 0.5 above the largest logit of a token at the worst (window 0, channel 3); 104 below it make "
        "their weight 0 for sure: short by 104.5");
  CHECK(
      said(with_pads(-30, 28.5, HUGE_VAL)) ==
      "pads of -30 stand 28.5 below the maximum at the nearest (window 0, channel 3); no gap makes their weight 0 for "
      "sure");
}

TEST_CASE("an exponential that may round up gives 0 nowhere for sure") {
  LedgerLine line;
  line.exp.emplace();
  line.exp->format = "fp32:sr";
  line.exp->lowest = -51.8;
  line.exp->zero_below = -HUGE_VAL;
  line.exp->at.place = "window 2, channel 1";
  CHECK(said(line) == "the lowest argument of exp is -51.8 (window 2, channel 1); fp32:sr never gives 0 for sure");
}

TEST_CASE("without the maximum subtracted a denominator may overflow too") {
  LedgerLine line;
  line.denominator.emplace();
  line.denominator->subtracts_maximum = false;
  line.denominator->smallest = 2;
  CHECK_THAT(said(line), Contains("nothing keeps the denominator from underflow or overflow: smallest 2"));
}

TEST_CASE("a window without a token has no denominator that could be too small") {
  compressor::Problem problem = compressor::make_problem(test::small_config(compressor::Mode::hca), {});
  std::vector<float> mask(problem.config.batch * problem.config.seq, 1);
  std::fill_n(mask.begin(), problem.config.ratio, 0.0F);  // the first window
  problem.inputs[compressor::Name::attention_mask] = {
      {problem.config.batch, problem.config.seq}, std::move(mask), io::DType::f32};
  const auto recipe = test::with_settings(compressor::load_recipe("fp32"), {"softmax=double_where", "mask=pad"});
  const auto run = compressor::run_traced(problem, recipe, {});
  REQUIRE(run.tape.find(compressor::forward(compressor::Name::denominator))->tensor.at(0) == 0);
  const auto report = judge::measure_run(problem, run, test::truth_of(problem, recipe), 1);
  for (const LedgerLine& line : report.underflow) {
    if (!line.denominator) continue;
    CHECK(line.denominator->smallest >= 1);
    CHECK(line.denominator->below_one == 0);
  }
}
