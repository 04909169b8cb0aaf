// SPDX-License-Identifier: Apache-2.0
// The truth of a recipe: fp64 arithmetic on what the recipe computes.
#include "core/judge/truth.hpp"

#include <algorithm>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/run.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

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

TEST_CASE("a window of nothing but pads is, in the truth of an algorithm that makes numbers of it, a number too") {
  compressor::Problem problem = test::small_problems().front().problem;
  const std::size_t seq = problem.config.seq;
  std::vector<double> mask(problem.config.batch * seq, 1);
  std::fill_n(mask.begin(), problem.config.ratio, 0.0);  // the first row's first window holds no token
  problem.inputs[compressor::Name::attention_mask] = {{problem.config.batch, seq}, std::move(mask), io::DType::boolean};
  for (const char* softmax : {"double_where", "where_arg", "online_guarded"}) {
    for (const char* gate : {"-inf", "0"}) {
      INFO(softmax << " " << gate);
      const auto recipe =
          test::with_settings(compressor::load_recipe("fp32"),
                              {"mask=pad", std::string("softmax=") + softmax, std::string("pad.gate=") + gate});
      const judge::Truth truth = test::truth_of(problem, recipe);
      const auto run = compressor::run_traced(problem, recipe, {});
      const auto report = judge::measure_run(problem, run, truth, 1);
      for (const char* slot : {"weights", "pooled", "output", "grad.logits", "grad.hidden"}) {
        INFO(slot);
        const auto& metrics = *test::row_named(report, slot).metrics;
        CHECK(metrics.classes_equal());
        CHECK(metrics.compared == metrics.count);
        CHECK(!(metrics.rms_rel > 1e-5));
      }
    }
  }
}
