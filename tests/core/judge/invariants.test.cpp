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

TEST_CASE("a run in any formats, orders and algorithms stays within the bounds that these give") {
  const std::vector<std::vector<std::string>> edits{{"backward.softmax.saved=stored", "softmax.storage=bf16"},
                                                    {"backward.softmax.saved=stored", "softmax.storage=e4m3fn"},
                                                    {"softmax.summation=tensor_core:14,4"},
                                                    {"pool.summation=tensor_core:10,8"},
                                                    {"products.storage=e4m3fn"},
                                                    {"products.storage=e2m1"},
                                                    {"softmax.storage=e2m1"},
                                                    {"products.compute=fp16:sat:ftz"},
                                                    {"default=e4m3fn"},
                                                    {"default=fp16"},
                                                    {"default=bf16:rz"},
                                                    {"default=bf16:sr"},
                                                    {"default=e5m2:sat"},
                                                    {"default=fp16:ftz:daz"},
                                                    {"softmax=where_post", "pad.gate=0"},
                                                    {"softmax=where_post", "pad.gate=-1e4"},
                                                    {"softmax=naive", "softmax.division=reciprocal"},
                                                    {"softmax=log_softmax", "softmax.compute=bf16"},
                                                    {"softmax=online", "online.state=bf16"},
                                                    {"softmax=online_guarded", "online.state=e4m3fn", "online.tile=4"},
                                                    {"softmax.vjp=autodiff:jax_div", "softmax.compute=fp16"},
                                                    {"softmax.vjp=autodiff:torch_div", "softmax.max_gradient=through"},
                                                    {"softmax=naive", "softmax.vjp=autodiff:torch_two_exp"},
                                                    {"softmax.vjp=autodiff:torch_two_exp", "softmax.compute=fp16"},
                                                    {"normalize.compute=bf16", "normalize.storage=e5m2"},
                                                    {"normalize.accumulate=fp16:sat"},
                                                    {"pool.accumulate=e3m2"},
                                                    {"backward.bias.storage=e4m3fn"},
                                                    {"pipeline=pad_first", "bias.storage=fp16"}};
  for (const char* problem_name : {"csa-tiny", "hca-tiny", "csa-hard"}) {
    const auto problem = test::golden_problem(problem_name);
    for (const std::vector<std::string>& settings : edits) {
      auto recipe = compressor::load_recipe("fp32");
      for (const std::string& setting : settings) recipe = compressor::with_setting(recipe, setting);
      const auto dump = test::own_dump(problem, recipe);
      const auto report = test::judged(problem, dump, recipe);
      for (const auto& invariant : report.invariants) {
        INFO(problem_name << " " << recipe.name << " " << invariant.name << " " << invariant.residual << " "
                          << invariant.bound);
        CHECK(invariant.status != judge::Status::fail);
      }
    }
  }
}

TEST_CASE("what is not finite in the truth, or is the recipe's own doing, is no violation; what is neither is one") {
  auto problem = test::golden_problem("csa-tiny");
  const auto recipe = compressor::load_recipe("fp32");
  auto& hidden = problem.inputs[compressor::Name::hidden];
  auto values = compressor::to_doubles(hidden);
  values[3] = std::nan("");
  hidden = {hidden.shape, values, io::DType::f64};
  auto dump = test::own_dump(problem, recipe);
  const auto report = test::judged(problem, dump, recipe);
  CHECK(judge::exit_code(report) == 0);
  CHECK(named(report.invariants, "softmax_sums_to_one").status == judge::Status::ok);

  auto weights = test::values_of(dump, "softmax");
  weights.back() = std::nan("");
  test::set_values(dump, "softmax", weights);
  const auto broken = test::judged(problem, dump, recipe);
  CHECK(named(broken.invariants, "softmax_sums_to_one").status == judge::Status::fail);
}

TEST_CASE("a window that is masked wholly takes no invariant with it") {
  auto problem = test::golden_problem("csa-tiny");
  const auto recipe = compressor::with_setting(compressor::load_recipe("hf"), "mask=pad");
  problem.inputs[compressor::Name::attention_mask] = {
      {1, 13}, std::vector<double>{0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1}, io::DType::boolean};
  const auto report = test::judged(problem, test::own_dump(problem, recipe), recipe);
  for (const auto& invariant : report.invariants) {
    INFO(invariant.name << " " << invariant.residual);
    CHECK(invariant.status != judge::Status::fail);
  }
}

TEST_CASE("formats that allow any value leave an invariant unjudged, and the reason says so") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto recipe = compressor::with_setting(compressor::load_recipe("fp32"), "softmax.storage=e2m1");
  auto dump = test::own_dump(problem, recipe);
  test::keep_only(dump, {"weights"});
  const auto invariant = named(judge::check_invariants(dump.tape, problem, recipe), "softmax_sums_to_one");
  CHECK(invariant.status == judge::Status::skipped);
  CHECK(invariant.reason == "the recipe's formats allow any value");
}
