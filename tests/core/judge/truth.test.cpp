// SPDX-License-Identifier: Apache-2.0
// The truth of a recipe: fp64 arithmetic on what the recipe computes.
#include "core/judge/truth.hpp"

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/run.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;

TEST_CASE("the truth keeps pipeline, omitted stages and policies, and computes everything in fp64") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto recipe = compressor::load_recipe("pr3810");
  const auto truth = judge::truth_recipe(recipe, problem.config, judge::Basis::given);
  CHECK(truth.pipeline == compressor::Pipeline::pad_first);
  CHECK(truth.omit == recipe.omit);
  const compressor::Plan plan(truth, problem.config);
  CHECK(plan.kind() == compressor::Kind::native_double);
  CHECK(plan.pad().gate == -10000);
  CHECK_FALSE(plan.input_format(compressor::Name::ape));
}

TEST_CASE("on the quantized basis inputs and pads are rounded as the recipe rounds them") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto recipe = compressor::load_recipe("pr3810");
  const auto truth = judge::truth_recipe(recipe, problem.config, judge::Basis::quantized);
  const compressor::Plan plan(truth, problem.config);
  CHECK(plan.pad().gate == -9984);
  REQUIRE(plan.input_format(compressor::Name::ape));
  CHECK(plan.input_format(compressor::Name::ape)->name == "bf16");
}

TEST_CASE("every built-in recipe has a truth on both bases") {
  const auto problem = test::golden_problem("csa-tiny");
  for (const std::string& name : compressor::builtin_recipe_names()) {
    for (const auto basis : {judge::Basis::given, judge::Basis::quantized}) {
      const auto recipe = compressor::load_recipe(name);
      const compressor::Plan plan(judge::truth_recipe(recipe, problem.config, basis), problem.config);
      for (const auto slot : compressor::program_order(problem, recipe)) {
        INFO(name << " " << compressor::to_string(slot));
        const bool cotangent =
            slot.direction == compressor::Direction::backward &&
            (slot.name == compressor::Name::output || slot.name == compressor::last_forward_slot(plan.config()));
        CHECK((cotangent || precision::is_plain_fp64(plan.at(slot).storage)));  // the cotangent is an input
        CHECK(precision::is_plain_fp64(plan.at(slot).compute));
      }
    }
  }
}
