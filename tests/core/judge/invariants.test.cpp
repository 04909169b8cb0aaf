// SPDX-License-Identifier: Apache-2.0
// Invariants hold for every honest run within the bounds of its formats, and break where a fault is planted.
#include "core/judge/invariants.hpp"

#include <algorithm>
#include <cmath>

#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;

namespace {

const judge::Invariant& named(const std::vector<judge::Invariant>& all, const std::string& name) {
  return *std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
}

}  // namespace

TEST_CASE("no invariant is off by more than the formats of the recipe allow") {
  for (const char* problem_name : {"csa-tiny", "hca-tiny", "csa-small"}) {
    const auto problem = test::golden_problem(problem_name);
    for (const std::string& name : compressor::builtin_recipe_names()) {
      const auto recipe = compressor::load_recipe(name);
      for (const auto& invariant :
           judge::check_invariants(compressor::run_traced(problem, recipe, {}).tape, problem, recipe)) {
        INFO(problem_name << " " << name << " " << invariant.name << " " << invariant.residual << " "
                          << invariant.bound);
        CHECK(invariant.status != judge::Status::fail);
      }
    }
  }
}

TEST_CASE("bounds are tight enough to see a weight off by one part in a thousand in fp32") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto recipe = compressor::load_recipe("fp32");
  auto dump = test::own_dump(problem, recipe);
  for (const char* slot : {"softmax", "weights"}) {
    auto values = test::values_of(dump, slot);
    for (double& value : values) value *= 1.001;
    test::set_values(dump, slot, values);
  }
  const auto invariants = judge::check_invariants(dump.tape, problem, recipe);
  CHECK(named(invariants, "softmax_sums_to_one").status == judge::Status::fail);
  CHECK(named(invariants, "radial_gradient").status == judge::Status::ok);
}

TEST_CASE("a NaN in any row of any slot that it reads breaks an invariant, whatever follows it") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto recipe = compressor::load_recipe("fp32");
  for (const auto& [slot, name] : {std::pair{"grad.ape", "ape_gauge"},
                                   {"grad.weights", "ape_gauge"},
                                   {"grad.pooled", "radial_gradient"},
                                   {"pooled", "radial_gradient"},
                                   {"mean_square", "radial_gradient"},
                                   {"weights", "softmax_sums_to_one"},
                                   {"grad.values", "value_gradients_sum"},
                                   {"pooled", "pooled_is_convex"}}) {
    auto dump = test::own_dump(problem, recipe);
    if (std::string(slot) == "weights") test::keep_only(dump, {"weights"});
    auto values = test::values_of(dump, slot);
    values.front() = std::nan("");
    test::set_values(dump, slot, values);
    const auto invariant = named(judge::check_invariants(dump.tape, problem, recipe), name);
    INFO(slot << " " << name << " " << invariant.residual);
    CHECK(invariant.status == judge::Status::fail);
    CHECK(std::isnan(invariant.residual));
  }
}

TEST_CASE("a gradient that should be 0 and is not breaks the radial invariant") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto recipe = compressor::load_recipe("fp32");
  auto dump = test::own_dump(problem, recipe);
  test::set_values(dump, "grad.normalized", std::vector<double>(test::values_of(dump, "grad.normalized").size(), 0));
  CHECK(named(judge::check_invariants(dump.tape, problem, recipe), "radial_gradient").status == judge::Status::fail);
}

TEST_CASE("a NaN breaks an invariant, an absent slot skips it, a finite pad takes the gauge away") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto recipe = compressor::load_recipe("fp32");
  auto dump = test::own_dump(problem, recipe);
  auto values = test::values_of(dump, "grad.logits");
  values.front() = std::nan("");
  test::set_values(dump, "grad.logits", values);
  CHECK(named(judge::check_invariants(dump.tape, problem, recipe), "logit_gradients_cancel").status ==
        judge::Status::fail);

  test::keep_only(dump, {"pooled"});
  CHECK(named(judge::check_invariants(dump.tape, problem, recipe), "logit_gradients_cancel").status ==
        judge::Status::skipped);

  const auto finite = compressor::with_setting(recipe, "pad.gate=-1e4");
  CHECK(named(judge::check_invariants(test::own_dump(problem, finite).tape, problem, finite), "ape_gauge").status ==
        judge::Status::skipped);
}
