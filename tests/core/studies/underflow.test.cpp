// SPDX-License-Identifier: Apache-2.0
// Study underflow: losses by hand, against theory, and what a walk concludes.
#include <algorithm>
#include <cmath>

#include "core/studies/gate_rows.hpp"
#include "core/studies/run_study.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope::studies;
using namespace ulpscope::compressor;
using namespace ulpscope::test;

namespace {

using Values = std::map<std::string, std::vector<std::string>>;

Results walk(Values values, std::size_t seeds = 1, const Problem* problem = nullptr) {
  WalkOptions options;
  options.values = std::move(values);
  options.seeds = seeds;
  options.subject.problem = problem;
  return run_study(study_named("underflow"), options);
}

Cell cell(const char* gates, const char* format, const Values& others = {}, std::size_t seeds = 1) {
  Values all = {{"gates", {gates}}, {"format", {format}}, {"softmax", {"shifted"}}, {"length", {"8"}}};
  for (const auto& [axis, words] : others) all[axis] = words;
  const Results results = walk(all, seeds);
  REQUIRE(results.cells.size() == 1);
  return results.cells.front();
}

}  // namespace

TEST_CASE("of 1 and 7 times e^-17.5, fp16 loses 7 weights, e^-17.2 it keeps") {
  const Cell lost = cell("gap:17.5", "fp16/fp32");
  CHECK(lost.number("zeroed") == 7.0 / 8);
  CHECK(lost.number("predicted") == 7.0 / 8);
  CHECK(std::fabs(lost.number("mass_lost") / (7 * std::exp(-17.5)) - 1) <= 1e-6);
  CHECK(cell("gap:17.2", "fp16/fp32").number("zeroed") == 0);
  CHECK(cell("gap:17.5", "fp32").number("zeroed") == 0);
  // The gradient reads the softmax before its cast: no more is lost than in fp32, where only g - s of the heaviest
  // cancels.
  const double in_fp32 = cell("gap:17.5", "fp32").number("grad_lost");
  CHECK(std::fabs(lost.number("grad_lost") - in_fp32) <= 0x1p-10);  // kv is rounded to fp16
}

TEST_CASE("the gradient of a weight that is 0 is lost where the softmax itself is of the format") {
  const Cell lost = cell("gap:17.5", "fp16");
  CHECK(lost.number("zeroed") == 7.0 / 8);
  CHECK(lost.number("grad_lost") == 1);
}

TEST_CASE("at most (n - 1) of the threshold is lost of a row's mass") {
  for (const auto& [format, limit] :
       {std::pair<const char*, double>{"fp16/fp32", 3.79e-6}, {"e5m2/fp32", 9.7e-4}, {"e4m3fn/fp32", 0.125}}) {
    for (const char* gates : {"normal:1", "normal:3", "normal:12", "range:20"}) {
      const double mass = cell(gates, format, {{"length", {"128"}}}).number("mass_lost");
      INFO(format << " " << gates << ": " << mass);
      CHECK(mass <= limit);
    }
  }
}

TEST_CASE("just below the threshold all of that is lost: n - 1 equal weights beside one") {
  struct Row {
    const char* format;
    const char* gates;
    double of_8, of_128;  ///< 7 and 127 times the largest number that is rounded to 0
  };
  // The gates are numbers of the stored format: down to exp(-12) of exp(-11.78) is left in e5m2.
  for (const Row& row :
       {Row{"fp32", "gap:103.98", 4.90e-45, 8.90e-44}, Row{"fp32:ftz", "gap:87.34", 8.2e-38, 1.5e-36},
        Row{"bf16/fp32", "gap:93", 3.2e-40, 5.8e-39}, Row{"fp16/fp32", "gap:17.34375", 2.09e-7, 3.78e-6},
        Row{"e5m2/fp32", "gap:12", 5.3e-5, 9.7e-4}, Row{"e4m3fn/fp32", "gap:7", 6.8e-3, 0.124}}) {
    for (const auto& [length, limit] : {std::pair{"8", row.of_8}, std::pair{"128", row.of_128}}) {
      INFO(row.format << ", " << length << " slots");
      const double mass = cell(row.gates, row.format, {{"length", {length}}}).number("mass_lost");
      CHECK(mass <= 1.01 * limit);  // the figures have two or three digits
      CHECK(mass >= 0.8 * limit);
    }
  }
}

TEST_CASE("1024 equal weights of e4m3 are all rounded to 0, 512 are not") {
  const Cell all = cell("normal:0", "e4m3fn/fp32", {{"length", {"1024"}}});
  CHECK(all.number("zeroed") == 1);
  CHECK(all.number("mass_lost") == 1);
  CHECK(cell("normal:0", "e4m3fn/fp32", {{"length", {"512"}}}).number("zeroed") == 0);
}

TEST_CASE("Gaussian gates of 128 slots: e4m3 flushes 5.7 % of the weights, as the threshold says") {
  const Cell drawn = cell("normal:1", "e4m3fn/fp32", {{"length", {"128"}}}, 40);
  const double predicted = 0.0571;  // P(ln w <= ln tau), logits as they are; here they are e4m3 numbers, a little wider
  CHECK(std::fabs(drawn.number("zeroed") - predicted) <= 0.006);
  CHECK(std::fabs(drawn.number("zeroed") - drawn.number("predicted")) <= 1e-3);
  CHECK(drawn.number("zeroed_ci95") < 0.002);
  CHECK(drawn.number("zeroed_ci95") > 0);
}

TEST_CASE("the denominator is at least 1 when the maximum is subtracted, whatever the rest; without, it is 0") {
  const Results results = walk({{"gates", {"normal:30", "low:110", "gap:100", "range:200"}},
                                {"softmax", {"shifted", "log_softmax", "online"}},
                                {"format", {"fp32", "fp32:ftz", "bf16", "fp16", "e5m2"}},
                                {"length", {"8"}}});
  CHECK(results.cells.size() == 60);
  for (const Cell& at : results.cells) {
    INFO(at.at.json());
    CHECK(at.number("denominator") >= 1);
    CHECK(at.number("nan") == 0);
  }
  CHECK(cell("normal:1", "e4m3fn").number("denominator") >= 1);
  CHECK(cell("normal:1", "e4m3fn", {{"softmax", {"online"}}}).number("nan") == 1);  // its state begins at -inf
  const Cell naive = cell("low:110", "fp32", {{"softmax", {"naive"}}});
  CHECK(naive.number("denominator") == 0);
  CHECK(naive.number("nan") == 1);
}

TEST_CASE("other machines' exponentials are marked as modelled, and so are their thresholds in the conclusion") {
  const Results results = walk({{"gates", {"gap:90"}},
                                {"softmax", {"shifted"}},
                                {"format", {"fp32"}},
                                {"exp", {"correct", "cuda", "cuda_fast", "xla_cpu"}}});
  CHECK(results.cells[0].word("exp_is") == "run");
  CHECK(results.cells[3].word("exp_is") == "modelled");
  CHECK(results.cells[0].number("zeroed") == 0);
  CHECK(results.cells[3].number("zeroed") > 0.9);  // XLA's exp is 0 from -87.68 on
  CHECK(results.conclusion.back() ==
        "exp(d) is 0 up to d = fp32 -103.972084 (correct; modelled: cuda), -103.972076 (modelled: cuda_fast), "
        "-87.6831284 (modelled: xla_cpu).");
}

TEST_CASE("the small walk says what PR 3810 fears: no denominator underflows") {
  const Results results = walk({});
  REQUIRE(results.conclusion.size() == 3);
  CHECK(
      results.conclusion[0] ==
      "With the maximum subtracted no denominator is below 1: none can underflow. Without the shift the smallest is 0 "
      "(fp32, low:110).");
}

TEST_CASE("a given problem is asked about its own rows") {
  const Problem problem = make_problem(small_config(Mode::csa), {0, 12, 0.5, 1});
  const Results results = walk({{"softmax", {"shifted"}}, {"format", {"fp32", "fp16/fp32"}}}, 1, &problem);
  REQUIRE(results.cells.size() == 2);
  CHECK(results.cells[0].at.at("gates") == "given");
  CHECK(results.cells[0].number("zeroed") == 0);
  CHECK(results.cells[1].number("zeroed") > 0.1);
  CHECK(std::fabs(results.cells[1].number("zeroed") - results.cells[1].number("predicted")) <= 0.01);
}

TEST_CASE("what became 0 is told apart from what a weight of 0 took: gradients cancel to 0 beside whole weights") {
  const Values bf16 = {{"gates", {"gap:90"}}, {"softmax", {"shifted"}}, {"format", {"bf16"}}, {"length", {"128"}}};
  const Results cancelled = walk(bf16);
  CHECK(cancelled.cells[0].number("zeroed") == 0);
  CHECK(cancelled.cells[0].number("grad_lost") > 0);
  CHECK_THAT(cancelled.conclusion[1],
             Catch::Matchers::StartsWith("No weight became 0 that should not be; gradients of logits that became 0"));
  CHECK(walk({{"gates", {"normal:0"}}, {"softmax", {"shifted"}}, {"format", {"fp32"}}}).conclusion[1] ==
        "No weight and no gradient of a logit became 0 that should not be.");
}

TEST_CASE("tokens that a recipe masks are no weights that became 0, and rows of NaN hide no denominator") {
  Problem problem = make_problem(small_config(Mode::csa), {});
  std::vector<double> mask(2 * 38, 1.0);
  std::fill_n(mask.begin(), 5, 0.0);  // with pads of -inf the first window of the first row is NaN
  problem.inputs[Name::attention_mask] = {{2, 38}, mask, ulpscope::io::DType::boolean};
  WalkOptions options;
  options.values = {{"softmax", {"shifted"}}, {"format", {"fp32"}}};
  options.subject.problem = &problem;
  for (const char* edit : {"mask=pad", "pad.gate=0"}) {
    INFO(edit);
    options.subject.recipe = [&](const std::string& name) { return with_setting(load_recipe(name), edit); };
    const Cell masked = run_study(study_named("underflow"), options).cells.front();
    CHECK(masked.number("zeroed") == 0);
    CHECK(masked.number("mass_lost") == 0);
    CHECK(masked.number("grad_lost") == 0);
    CHECK(masked.number("denominator") >= 1);
  }
}

TEST_CASE("rows of NaN have no denominator, and no weight that should not be 0") {
  Problem problem = make_problem(small_config(Mode::csa), {});
  problem.inputs[Name::hidden] = {
      {2, 38, 24}, std::vector<double>(2 * 38 * 24, std::nan("")), ulpscope::io::DType::f64};
  const Results results = walk({{"softmax", {"shifted"}}, {"format", {"fp32"}}}, 1, &problem);
  CHECK(results.cells[0].number("zeroed") == 0);
  CHECK(results.cells[0].number("nan") == 1);
  CHECK(results.conclusion[0] == "No row has a denominator that is a number.");
}

TEST_CASE("gates are read by their kind, and refused with the known ones") {
  const auto gates = [](const char* word, std::size_t slot) {
    const Start start = gate_rows(word, 4, 0);
    return tensor_in(start.given, forward(Name::gate)).at(slot * 64);
  };
  CHECK(gates("gap:90", 0) == 0);
  CHECK(gates("gap:90", 3) == -90);
  CHECK(gates("range:20", 0) == 0);
  CHECK(gates("range:20", 3) == -15);
  CHECK(gates("normal:2", 1) == 2 * gates("normal:1", 1));
  CHECK(gates("low:100", 1) == gates("normal:1", 1) - 100);
  for (const char* word : {"gap", "gap:", "gap:x", "wide:3", "normal:-1", "normal:inf"}) {
    INFO(word);
    CHECK_THROWS_WITH(walk({{"gates", {word}}}), Catch::Matchers::Contains("study underflow: gates"));
  }
}
