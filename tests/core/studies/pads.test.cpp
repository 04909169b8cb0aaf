// SPDX-License-Identifier: Apache-2.0
// Study pads: numbers by hand, points that do not exist, a given problem, and what a walk concludes.
#include <algorithm>
#include <cmath>
#include <ctime>

#include "core/compressor/config.hpp"
#include "core/studies/run_study.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope::studies;
using namespace ulpscope::compressor;
using namespace ulpscope::test;

namespace {

using Values = std::map<std::string, std::vector<std::string>>;

Results walk(Values values, const Problem* problem = nullptr) {
  WalkOptions options;
  options.values = std::move(values);
  options.subject.problem = problem;
  return run_study(study_named("pads"), options);
}

/// The only cell of a walk over one point.
Cell cell(const Values& values) {
  Values all = {{"softmax", {"shifted"}}, {"row", {"partial"}}, {"pad_gate", {"-1e4"}}};
  for (const auto& [axis, words] : values) all[axis] = words;
  const Results results = walk(all);
  REQUIRE(results.cells.size() == 1);
  return results.cells.front();
}

}  // namespace

TEST_CASE("a pad of 0 weighs like a token, one far below weighs nothing") {
  const Cell zero = cell({{"pad_gate", {"0"}}});
  CHECK(zero.word("forward") == "leak");
  CHECK(zero.word("gradient") == "pads move");
  CHECK(zero.number("pad_mass") > 0.3);
  CHECK(zero.number("leak") > 0.1);
  CHECK(std::fabs(zero.number("error") - zero.number("leak")) <= 1e-6);
  const Cell far = cell({});
  CHECK(far.word("forward") == "pad 0");
  CHECK(far.number("pad_mass") == 0);
  CHECK(far.number("leak") == 0);
  CHECK(far.number("error") <= 8 * 0x1p-24);
  CHECK(far.number("error") > 0);
}

TEST_CASE(
    "ten above the pad, four pads take e^-10 of a row in fp32, half of it where bf16 cannot tell -9990 from -1e4") {
  const Cell fp32 = cell({{"row", {"above_pad"}}});
  CHECK(fp32.word("forward") == "leak");
  CHECK(fp32.number("pad_mass") > 0.3 * std::exp(-10));  // the tokens have a bias, the pads none
  CHECK(fp32.number("pad_mass") < 3 * std::exp(-10));
  CHECK(cell({{"row", {"above_pad"}}, {"format", {"bf16"}}}).number("pad_mass") == 0.5);
  CHECK(cell({{"row", {"above_pad"}}, {"format", {"bf16"}}, {"pad_gate", {"lowest"}}}).number("pad_mass") == 0.5);
}

TEST_CASE("the bias reaches pads in the order pad_first only") {
  const Values near = {{"row", {"above_pad"}}};
  Values first = near;
  first["order"] = {"pad_first"};
  CHECK(cell(first).number("pad_mass") != cell(near).number("pad_mass"));
  CHECK(cell({{"order", {"pad_first"}}}).number("error") == cell({}).number("error"));  // far below nobody sees it
}

TEST_CASE("where nothing but pads is left, a mask on gates only averages numbers, and kv of 0 hides it") {
  const Cell numbers = cell({{"row", {"all_masked"}}, {"pad_kv", {"data"}}});
  CHECK(numbers.word("forward") == "uniform");
  CHECK(numbers.number("pad_mass") == 1);
  CHECK(numbers.number("error") > 0.2);
  const Cell zeros = cell({{"row", {"all_masked"}}});
  CHECK(zeros.word("forward") == "uniform");
  CHECK(zeros.number("error") == 0);
}

TEST_CASE("a format without infinity makes NaN of -inf, and a number of it where it saturates") {
  CHECK(cell({{"pad_gate", {"-inf"}}, {"format", {"e4m3fn"}}}).word("forward") == "NaN");
  CHECK(cell({{"pad_gate", {"-inf"}}, {"format", {"e4m3fn:sat"}}}).word("forward") == "pad 0");
  CHECK(cell({{"pad_gate", {"exclude"}}, {"format", {"e4m3fn"}}}).word("forward") == "pad 0");
}

TEST_CASE("points that do not exist are left out with a reason") {
  const auto why = [](const Values& values) { return cell(values).measures.at("skipped").get<std::string>(); };
  CHECK(why({{"row", {"above_pad"}}, {"pad_gate", {"-inf"}}}) == "no number lies just above this pad");
  CHECK(why({{"softmax", {"log_softmax"}}, {"vjp", {"autodiff:jax_div"}}}) ==
        "log_softmax has one VJP, g y - y sum g y");
  CHECK(why({{"softmax", {"online"}}, {"vjp", {"autodiff:torch_div"}}}) == "online algorithms take a closed VJP");
}

TEST_CASE("a given problem is asked about its own pads: those of its first windows, and its masked tokens") {
  const Problem csa = make_problem(small_config(Mode::csa), {});
  const Results results = walk({{"softmax", {"shifted", "online"}}, {"pad_gate", {"-1e4", "-inf", "0"}}}, &csa);
  REQUIRE(results.cells.size() == 6);
  CHECK(results.cells[0].word("forward") == "pad 0");
  CHECK(results.cells[1].word("forward") == "pad 0");
  CHECK(results.cells[1].word("gradient") == "finite");
  CHECK(results.cells[2].word("forward") == "leak");
  CHECK(results.cells[4].word("forward") == "NaN");
  Problem hca = make_problem(small_config(Mode::hca), {});
  CHECK(walk({{"softmax", {"shifted"}}}, &hca).cells[0].measures.at("skipped") == "no slot of the problem is a pad");
  add_mask_and_segments(hca);
  CHECK(walk({{"softmax", {"shifted"}}}, &hca).cells[0].word("forward") == "pad 0");
}

TEST_CASE("the small walk answers: -inf fails where a row is pads only and in an unguarded online softmax") {
  const Results results = walk({});
  CHECK(results.cells.size() == 48);
  CHECK(std::count_if(results.cells.begin(), results.cells.end(), [](const Cell& c) { return c.skipped(); }) == 8);
  REQUIRE(results.conclusion.size() == 2);
  CHECK(
      results.conclusion[0] ==
      "-1e4 or -inf? Of 16 pairs of points that differ in nothing else, both are finite in 10, with the same errors in "
      "10 of them; -inf alone is NaN or infinite in 5 (row all_masked: log_softmax, online, shifted, where_post; row "
      "partial: online), where -1e4 averages over nothing but pads in 3; -1e4 alone in 0; both in 1.");
  CHECK(results.conclusion[1].find("pads of -1e4 take up to 7.2") != std::string::npos);
}

TEST_CASE("conclusions speak of what was walked") {
  CHECK(walk({{"pad_gate", {"exclude"}}}).conclusion ==
        std::vector<std::string>{"NaN or infinite of 16 points: 1 (row all_masked: online)."});
  CHECK(walk({{"pad_gate", {"-inf"}}, {"softmax", {"shifted"}}}).conclusion ==
        std::vector<std::string>{"NaN or infinite of 2 points: 1 (row all_masked: shifted)."});
  CHECK(walk({{"pad_gate", {"-inf"}}, {"row", {"above_pad"}}}).conclusion ==
        std::vector<std::string>{"No pad was run: no number lies just above this pad."});
  CHECK(walk({{"pad_gate", {"lowest"}}, {"softmax", {"shifted"}}}).conclusion ==
        std::vector<std::string>{"Beside tokens, pads of lowest take up to 0.5 of a row's weight (shifted in fp32, row "
                                 "above_pad)."});
  CHECK(walk({{"pad_gate", {"-1e30"}}, {"softmax", {"shifted"}}, {"row", {"partial"}}}).conclusion ==
        std::vector<std::string>{"No pad of -1e30 weighs anything beside a token."});
  CHECK(walk({{"pad_kv", {"nan"}}, {"softmax", {"shifted"}}, {"row", {"partial"}}}).conclusion.back() ==
        "A NaN or an infinity in the pads' kv is not cured by any gate: 2 of 2 points are NaN or infinite.");
}

TEST_CASE("pads weigh beside tokens whatever stands in their kv, and rows of pads alone are none of that") {
  const Results poisoned = walk({{"pad_kv", {"nan"}}, {"softmax", {"shifted"}}});
  CHECK_THAT(poisoned.conclusion[0], Catch::Matchers::StartsWith("Beside tokens, pads of -1e4 take up to 7.2"));
  Problem problem = make_problem(small_config(Mode::csa), {});
  std::vector<double> mask(2 * 38, 1.0);
  std::fill_n(mask.begin(), 4, 0.0);  // the first window of the first row holds no token
  problem.inputs[Name::attention_mask] = {{2, 38}, mask, ulpscope::io::DType::boolean};
  const Results given = walk({{"softmax", {"shifted"}}, {"pad_gate", {"-1e4"}}}, &problem);
  CHECK(given.cells[0].word("forward") == "uniform");
  CHECK(given.cells[0].number("pad_mass") == 0);
}

TEST_CASE("a problem that is not finite elsewhere has the errors of its windows with pads") {
  Problem problem = make_problem(small_config(Mode::csa), {});
  std::vector<double> hidden = to_doubles(problem.input(Name::hidden));
  hidden[20 * 24] = std::nan("");  // a token of a later window
  problem.inputs[Name::hidden] = {{2, 38, 24}, hidden, ulpscope::io::DType::f64};
  const Results results = walk({{"softmax", {"shifted"}}}, &problem);
  CHECK(results.cells[0].number("error") <= 8 * 0x1p-24);
  CHECK_THAT(results.conclusion[0], Catch::Matchers::StartsWith("-1e4 or -inf? Of 1 pair of points"));
  CHECK_THAT(results.conclusion[0],
             Catch::Matchers::Contains("both are finite in 1, with the same errors in 1 of them"));
}

TEST_CASE("the truth without pads knows the recipe's segments and the scale of its gradients") {
  Problem problem = make_problem(small_config(Mode::csa), {});
  std::vector<double> segments(2 * 38, 0.0);
  std::fill(segments.begin() + 18, segments.begin() + 38, 1.0);  // a document begins within a window
  problem.inputs[Name::segment_ids] = {{2, 38}, segments, ulpscope::io::DType::i32};
  for (const char* edit : {"segments=strict", "loss_scale=1024"}) {
    INFO(edit);
    WalkOptions options;
    options.values = {{"softmax", {"shifted"}}, {"pad_gate", {"-inf"}}};
    options.subject.problem = &problem;
    options.subject.recipe = [&](const std::string& name) { return with_setting(load_recipe(name), edit); };
    const Cell at = run_study(study_named("pads"), options).cells.front();
    CHECK(at.number("error") <= 8 * 0x1p-24);
    CHECK(at.number("gradient_error") <= 64 * 0x1p-24);
  }
}

TEST_CASE("a problem without a pad is not said to have one that weighs nothing") {
  const Problem hca = make_problem(small_config(Mode::hca), {});
  CHECK(walk({}, &hca).conclusion == std::vector<std::string>{"No pad was run: no slot of the problem is a pad."});
}

TEST_CASE("words that no pad or format is are refused with the usual ones") {
  CHECK_THROWS_WITH(walk({{"pad_gate", {"-infty"}}}), Catch::Matchers::Contains("study pads: pad_gate"));
  CHECK_THROWS_WITH(walk({{"pad_kv", {"trash"}}}), Catch::Matchers::Contains("study pads: pad_kv"));
  CHECK_THROWS_WITH(walk({{"format", {"bf16/"}}}), Catch::Matchers::Contains("study pads: format"));
  CHECK_THROWS_WITH(walk({{"softmax", {"soft"}}}), Catch::Matchers::Contains("known: naive"));
}

TEST_CASE("the full walk takes less than two minutes of processor time: a minute on two cores", "[.full]") {
  WalkOptions options;
  options.extent = Extent::full;
  options.threads = 2;
  const std::clock_t start = std::clock();
  const Results results = run_study(study_named("pads"), options);
  CHECK(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC < 120);
  CHECK(results.cells.size() == 8 * 3 * 7 * 5 * 2 * 7 * 5);
  CHECK(results.complete);
  REQUIRE(results.conclusion.size() == 4);
  INFO(results.conclusion[0]);
  // A finite pad never fails where -inf does not.
  CHECK(results.conclusion[0].find("; -1e4 alone in 0; both in ") != std::string::npos);
}
