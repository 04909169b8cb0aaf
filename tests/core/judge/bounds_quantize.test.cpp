// SPDX-License-Identifier: Apache-2.0
// Bounds of quantised blocks: no run of ours exceeds them, they are met where a rounding turns a tie, a wrong scale or
// rule exceeds them.
#include <cmath>

#include "core/judge/bounds.hpp"
#include "core/judge/owners.hpp"
#include "precision/rounding.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;

namespace {

const Slot quantized = forward(Name::quantized);

Problem problem_with(const char* format, std::size_t skip_last) {
  Config config = test::small_config(Mode::csa);
  config.head_dim = 32;
  config.quantize = Quantize{format, 8, skip_last};
  return make_problem(config, {});
}

/// A slot against its bound.
struct Against {
  double largest_ratio = 0;
  std::size_t beyond = 0;
  std::size_t open = 0;  ///< elements that may be off by more than what the bound's own evaluation may lose
  std::size_t off = 0;   ///< elements that are
  std::size_t count = 0;
};

Against against(const Problem& problem, const Recipe& claimed, const Tape& run) {
  const judge::Replayer replayer(problem, claimed, run, 1);
  const auto bounds = judge::local_bounds(quantized, replayer, run);
  REQUIRE(bounds);
  const Tensor& values = run.find(quantized)->tensor;
  Against found;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values.at(i)) || !std::isfinite(bounds->worst[i])) continue;
    const double local = std::fabs(values.at(i) - bounds->exact[i]);
    ++found.count;
    found.off += local > 1e-12 * std::fabs(bounds->exact[i]);
    found.open += bounds->typical[i] > 1e-12 * std::fabs(bounds->exact[i]);
    found.beyond += !(local <= bounds->worst[i]);
    if (local > 0) found.largest_ratio = std::max(found.largest_ratio, local / bounds->worst[i]);
  }
  return found;
}

Recipe with(const char* name, const std::vector<const char*>& settings) {
  Recipe recipe = load_recipe(name);
  for (const char* setting : settings) recipe = with_setting(recipe, setting);
  return recipe;
}

}  // namespace

TEST_CASE("no run exceeds the bound of its quantised blocks: every recipe that has them, rule, compute and storage") {
  std::vector<Recipe> recipes;
  for (const std::string& name : builtin_recipe_names()) {
    const Recipe recipe = load_recipe(name);
    const bool omits = std::find(recipe.omit.begin(), recipe.omit.end(), Stage::quantize) != recipe.omit.end();
    if (!omits && recipe.remainder != Remainder::error) recipes.push_back(recipe);
  }
  CHECK(recipes.size() >= 4);
  for (const char* compute : {"fp32", "bf16", "fp16", "bf16:rz", "bf16:ftz:daz"}) {
    for (const char* scale : {"linear", "pow2_ceil"}) {
      for (const char* ties : {"even", "away", "toward_zero"}) {
        Recipe recipe = with("native", {});
        recipe = with_setting(recipe, std::string("quantize.compute=") + compute);
        recipe = with_setting(recipe, std::string("quantize.storage=") + compute);
        recipe = with_setting(recipe, std::string("quantize.scale=") + scale);
        recipes.push_back(with_setting(recipe, std::string("quantize.ties=") + ties));
      }
    }
  }
  for (const Problem& problem : {problem_with("e4m3fn", 8), problem_with("e2m1", 0), problem_with("e5m2", 16)}) {
    for (const Recipe& recipe : recipes) {
      INFO(recipe.name << " " << recipe.spec.dump());
      const Against found = against(problem, recipe, run_traced(problem, recipe, {}).tape);
      CHECK(found.count > 500);
      CHECK(found.beyond == 0);
    }
  }
}

TEST_CASE(
    "a power of two leaves no element of bf16 entries open; a scale that is rounded opens few, and reaches bounds") {
  const Problem problem = problem_with("e4m3fn", 0);
  const Recipe usual = with("native", {"default=fp32", "scale.storage=bf16", "rotate.storage=bf16"});
  const Against closed = against(problem, usual, run_traced(problem, usual, {}).tape);
  CHECK(closed.open == 0);
  CHECK(closed.off == 0);
  const Recipe coarse = with_setting(with_setting(usual, "quantize.scale=linear"), "quantize.compute=bf16");
  const Against open = against(problem, coarse, run_traced(problem, coarse, {}).tape);
  CHECK(open.off > 0);
  CHECK(open.open >= open.off);
  CHECK(open.largest_ratio > .5);
  CHECK(open.largest_ratio <= 1);
}

TEST_CASE("by hand: a third in bf16, a tie that it may turn, and a channel that no block holds") {
  Problem problem = problem_with("e2m1", 16);
  const Recipe recipe =
      with("fp64", {"quantize.scale=linear", "quantize.compute=bf16", "quantize.storage=fp64", "quantize.floor=1e-30"});
  Tape run = run_traced(problem, recipe, {}).tape;
  const judge::Replayer replayer(problem, recipe, run, 1);
  const Slot before = replayer.graph().reads(quantized).front();
  Tensor entries = run.find(before)->tensor;
  std::vector<double> values = to_doubles(entries);
  // Scale 2/6 lies in [170, 171] 2^-9; 0.75 over it, 2.25 exactly, in [2.234375, 2.265625]; 2.5 is e2m1's next tie.
  // 0.834 over it, 2.502 exactly and 3 s = 1, in [2.484375, 2.515625]: it may be 2 as well as 3.
  const std::vector<double> block{2, .75, .834, 0, 0, 0, 0, -2};
  std::copy(block.begin(), block.end(), values.begin());
  entries.data = values;
  run.set(before, entries, run.find(before)->format);
  const judge::Replayer by_hand(problem, recipe, run, 1);
  const auto bounds = judge::local_bounds(quantized, by_hand, run);
  REQUIRE(bounds);
  const double low = 170 * 0x1p-9, high = 171 * 0x1p-9;
  CHECK(bounds->exact[0] == 2);
  const auto near = [](double a, double b) { return std::fabs(a - b) <= 1e-12; };
  CHECK(near(bounds->typical[0], 2.015625 - 2));  // 6 s in bf16, upward
  CHECK(near(bounds->typical[1], std::max(2. / 3 - 2 * low, 2 * high - 2. / 3)));
  CHECK(near(bounds->exact[2], 1));
  CHECK(near(bounds->typical[2], 1 - 2 * low));
  CHECK(bounds->typical[3] == 0);
  CHECK(bounds->typical[31] == 0);  // behind the blocks, in fp64
}

TEST_CASE("a wrong scale or another rule exceeds the bound, in compare's words too") {
  const Problem problem = problem_with("e4m3fn", 8);
  const Recipe claimed = with("native", {});
  for (const char* planted : {"quantize.scale=linear", "quantize.floor=8e5", "quantize.ties=away"}) {
    const Tape run = run_traced(problem, with_setting(claimed, planted), {}).tape;
    INFO(planted);
    CHECK(against(problem, claimed, run).beyond > 0);
  }
  Run run = run_traced(problem, claimed, {});
  const judge::Truth truth = test::truth_of(problem, claimed);
  const judge::Exact exact = judge::exact_in_fp64();
  const auto row = [&] {
    judge::RunReport report = judge::measure_run(problem, run, truth, 1);
    judge::split_and_bound_errors(report, {problem, claimed, run.tape, exact}, truth.tape);
    for (const judge::Row& each : report.rows) {
      if (each.slot == quantized) return each;
    }
    return judge::Row{};
  };
  CHECK(row().status == judge::Status::ok);
  CHECK(row().bound.value().ratio <= 1);
  // One block of one entry, its scale a binade too large: s 2 F(x / 2 s) of a value F(x / s) s.
  Tensor tensor = run.tape.find(quantized)->tensor;
  std::vector<double> values = to_doubles(tensor);
  const precision::Format coarser = precision::parse_format("e5m2");
  for (std::size_t c = 0; c < 8; ++c) values[c] = precision::round(values[c] * 1.0625, coarser);
  tensor.data = values;
  run.tape.set(quantized, tensor, run.tape.find(quantized)->format);
  CHECK(row().status == judge::Status::fail);
  CHECK(row().bound.value().ratio > 1);
}
