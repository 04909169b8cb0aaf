// SPDX-License-Identifier: Apache-2.0
// Bounds of local errors: no recipe of ours exceeds them, they are sharp where one cast rules, and faults exceed them.
#include "core/judge/bounds.hpp"

#include <cmath>

#include "core/judge/owners.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;

namespace {

judge::RunReport bounded(const Problem& problem, const Recipe& recipe, const Tape& tape) {
  const judge::Exact exact = judge::exact_in_fp64();
  const judge::Truth truth = test::truth_of(problem, recipe);
  Run run = run_traced(problem, recipe, {});
  run.tape = tape;
  judge::RunReport report = judge::measure_run(problem, run, truth, 1);
  const judge::Evidence evidence{problem, recipe, run.tape, exact};
  judge::split_errors(report, evidence, truth.tape);
  judge::bound_errors(report, evidence);
  return report;
}

/// Every element 5% off.
void plant(Tensor& tensor) {
  std::vector<double> values = to_doubles(tensor);
  for (double& value : values) value *= 1.05;
  tensor.data = std::move(values);
}

}  // namespace

TEST_CASE("no run of a built-in recipe has a local error above its bound") {
  for (const auto& [name, problem] : test::small_problems()) {
    for (const std::string& recipe_name : builtin_recipe_names()) {
      const Recipe recipe = load_recipe(recipe_name);
      if (recipe.remainder == Remainder::error) continue;
      std::size_t rows = 0;
      for (const judge::Row& row : bounded(problem, recipe, run_traced(problem, recipe, {}).tape).rows) {
        if (!row.bound) continue;
        INFO(name << ", " << recipe_name << ": " << to_string(row.slot) << " " << row.reason);
        CHECK(row.bound->ratio <= 1);
        CHECK(row.bound->probabilistic <= row.bound->worst_case);
        ++rows;
      }
      CHECK(rows >= 25);
    }
  }
}

TEST_CASE(
    "where one cast rules, the bound is nearly met; a value 5% off exceeds every bound of bf16 sums of few terms") {
  const Problem problem = test::golden_problem("csa-small");
  const Recipe recipe = load_recipe("hf");
  const judge::RunReport honest = bounded(problem, recipe, run_traced(problem, recipe, {}).tape);
  for (const char* cast : {"kv", "gate", "weights", "products", "pooled", "normed", "grad.weights"}) {
    INFO(cast);
    CHECK(test::row_named(honest, cast).bound->ratio > .8);
  }
  for (const char* name : {"kv", "gate", "biased", "logits", "weights", "products", "pooled", "normed", "rotated",
                           "grad.pooled", "grad.weights", "grad.values", "grad.kv", "grad.w_kv"}) {
    RunOptions options;
    options.overrides[parse_slot(name)] = plant;
    const judge::RunReport report = bounded(problem, recipe, run_traced(problem, recipe, options).tape);
    INFO(name << ": " << test::row_named(report, name).bound->ratio);
    CHECK(test::row_named(report, name).bound->ratio > 1);
    CHECK(test::row_named(report, name).status == judge::Status::fail);
  }
}

TEST_CASE("a bound by hand: one product of bf16 numbers stored as bf16") {
  const Problem problem = test::golden_problem("csa-tiny");
  const Recipe recipe = load_recipe("hf");
  const Tape run = run_traced(problem, recipe, {}).tape;
  const judge::Replayer replayer(problem, recipe, run, 1);
  const auto bounds = judge::local_bounds(forward(Name::products), replayer, run);
  REQUIRE(bounds);
  const Tensor& weights = run.find(forward(Name::weights))->tensor;
  const Tensor& values = run.find(forward(Name::values))->tensor;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double product = std::fabs(weights.at(i) * values.at(i));
    const double bound = product * (0x1p-24 + 0x1p-8 * (1 + 0x1p-24));  // computed in fp32, then cast
    CHECK(bounds->exact[i] == weights.at(i) * values.at(i));
    CHECK(bounds->worst[i] >= bound);
    CHECK(bounds->worst[i] <= bound * (1 + 1e-12) + 1e-40);  // two underflows of fp32 and one of bf16
  }
}

TEST_CASE("no bound is stated of tables, of quantised blocks, of what the run does not hold what is read of") {
  Problem problem = test::golden_problem("csa-tiny");
  const Recipe recipe = load_recipe("hf");
  Tape run = run_traced(problem, recipe, {}).tape;
  const judge::Replayer replayer(problem, recipe, run, 1);
  CHECK_FALSE(judge::local_bounds(forward(Name::rope_cos), replayer, run));
  Tape few;
  few.set(forward(Name::pooled), run.find(forward(Name::pooled))->tensor, run.find(forward(Name::pooled))->format);
  CHECK_FALSE(judge::local_bounds(forward(Name::pooled), replayer, few));
}
