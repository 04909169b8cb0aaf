// SPDX-License-Identifier: Apache-2.0
// Bounds of local errors: no recipe of ours exceeds them, they are sharp where one cast rules, and faults exceed them.
#include "core/judge/bounds.hpp"

#include <algorithm>
#include <array>
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
  judge::split_and_bound_errors(report, evidence, truth.tape);
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
  for (const char* name :
       {"kv", "gate", "biased", "logits", "weights", "products", "pooled", "normed", "rotated", "grad.pooled",
        "grad.weights", "grad.values", "grad.kv", "grad.w_kv", "rope_frequencies", "rope_cos", "rope_sin"}) {
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

TEST_CASE("every slot has a bound, but where the run does not hold what its stage reads, and then the reason") {
  for (const auto& [name, problem] : test::small_problems()) {
    for (const char* recipe_name : {"hf", "native", "fp64"}) {
      const Recipe recipe = load_recipe(recipe_name);
      const Tape run = run_traced(problem, recipe, {}).tape;
      for (const judge::Row& row : bounded(problem, recipe, run).rows) {
        if (!row.local) continue;
        INFO(name << ", " << recipe_name << ": " << to_string(row.slot));
        CHECK(row.bound.has_value());
        CHECK(row.why_unbounded.empty());
      }
    }
  }
  const Recipe recipe = load_recipe("hf");
  const Problem problem = test::golden_problem("csa-tiny");
  const Tape run = run_traced(problem, recipe, {}).tape;
  const Slot pooled = forward(Name::pooled);
  Tape few;
  few.set(pooled, run.find(pooled)->tensor, run.find(pooled)->format);
  const judge::Replayer replayer(problem, recipe, run, 1);
  CHECK_FALSE(judge::local_bounds(pooled, replayer, few));
  CHECK_THAT(judge::why_unbounded(pooled, replayer, few), Catch::Matchers::Contains("does not hold products"));
}

namespace {

/// The largest local error over its bound among the slots named, each of which has one.
double largest_ratio(const Problem& problem, const Recipe& recipe, const std::vector<const char*>& slots) {
  const Tape run = run_traced(problem, recipe, {}).tape;
  const judge::Replayer replayer(problem, recipe, run, 1);
  double largest = 0;
  std::size_t measured = 0;
  for (const char* name : slots) {
    INFO(recipe.name << " " << name);
    const auto bounds = judge::local_bounds(parse_slot(name), replayer, run);
    REQUIRE(bounds);
    const Tensor& values = run.find(parse_slot(name))->tensor;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!std::isfinite(values.at(i)) || !std::isfinite(bounds->worst[i])) continue;
      ++measured;
      const double local = std::fabs(values.at(i) - bounds->exact[i]);
      largest = std::max(largest, local == 0 ? 0 : local / bounds->worst[i]);
    }
  }
  CHECK(measured > 0);
  return largest;
}

}  // namespace

TEST_CASE("RoPE tables stay in their bounds in every format, with YaRN and without, and casts use half of them") {
  const std::array<Rope, 3> ropes{Rope{16, 160000., Yarn{}, 0}, Rope{16, 10000., Yarn{}, 5000},
                                  Rope{16, 160000., std::nullopt, 5000}};
  for (const std::string format : {"fp32", "tf32", "bf16", "fp16", "bf16:rz", "e5m10:ftz"}) {
    for (const Rope& rope : ropes) {
      Problem problem = test::small_problems().front().problem;
      problem.config.rope = rope;
      for (const std::vector<std::string>& settings :
           std::vector<std::vector<std::string>>{{"angles=" + format, "storage=" + format},
                                                 {"frequencies=" + format, "angles=fp32", "storage=fp32"},
                                                 {"frequencies=" + format, "angles=" + format, "storage=" + format}}) {
        Recipe recipe = load_recipe("fp64");
        for (const std::string& setting : settings) recipe = with_setting(recipe, "rope_table." + setting);
        INFO(format << ", theta " << rope.theta << ", YaRN " << rope.yarn.has_value() << ", " << settings.front());
        CHECK(largest_ratio(problem, recipe, {"rope_frequencies", "rope_cos", "rope_sin"}) <= 1);
      }
    }
  }
  Problem problem = test::small_problems().front().problem;
  const Recipe bf16 = with_setting(load_recipe("fp64"), "rope_table.storage=bf16");
  CHECK(largest_ratio(problem, bf16, {"rope_cos"}) > .5);
  CHECK(largest_ratio(problem, bf16, {"rope_sin"}) > .5);
  problem.config.rope = Rope{16, 160000., std::nullopt, 0};  // blending adds what few frequencies use
  const Recipe frequencies = with_setting(load_recipe("fp64"), "rope_table.frequencies=bf16");
  CHECK(largest_ratio(problem, frequencies, {"rope_frequencies"}) > .05);
  CHECK(largest_ratio(problem, with_setting(load_recipe("fp64"), "rope_table.angles=bf16"), {"rope_cos"}) > .1);
}

TEST_CASE("online and log softmax stay in their bounds: tiles, states, exponentials, pads, masks") {
  for (const auto& [name, problem] : test::small_problems()) {
    for (const char* softmax : {"online", "online_guarded"}) {
      for (const std::vector<std::string>& settings : std::vector<std::vector<std::string>>{
               {"online.tile=1"},
               {"online.tile=2", "online.state=bf16"},
               {"online.tile=3", "online.state=fp16", "softmax.exp=fast"},
               {"online.tile=1", "online.state=bf16:rz", "softmax.compute=bf16", "backward.softmax.accumulate=fp32",
                "softmax.accumulate=bf16"},
               {"online.tile=2", "pad.gate=-1e4", "online.state=bf16", "softmax.exp=cuda_fast"},
               {"online.tile=1", "pad.gate=exclude", "softmax.storage=bf16", "pool.storage=bf16"}}) {
        Recipe recipe = test::with_settings(load_recipe("fp32"), settings);
        recipe = with_setting(recipe, std::string("softmax=") + softmax);
        INFO(name << ", " << softmax << ", " << settings.front() << " " << settings.back());
        CHECK(largest_ratio(problem, recipe, {"row_max", "denominator", "softmax", "weights", "pooled"}) <= 1);
      }
    }
    for (const char* format : {"fp32", "bf16"}) {
      const std::string own = format;
      const Recipe recipe = test::with_settings(
          load_recipe("fp32"), {"softmax=log_softmax", "softmax.compute=" + own, "softmax.storage=" + own});
      INFO(name << ", log_softmax, " << format);
      CHECK(largest_ratio(problem, recipe, {"log_denominator", "softmax", "grad.logits"}) <= 1);
    }
  }
}

TEST_CASE("steep logits, whose maxima a bf16 state moves by tenths, stay in the bounds of online softmax") {
  MakeOptions steep;
  steep.gate_sigma = 20;
  const Problem problem = make_problem(test::small_config(Mode::csa), steep);
  for (const char* tile : {"1", "2", "4"}) {
    const Recipe recipe = test::with_settings(
        load_recipe("fp32"), {"softmax=online_guarded", std::string("online.tile=") + tile, "online.state=bf16"});
    INFO("tile " << tile);
    for (const char* slot : {"denominator", "pooled"}) CHECK(largest_ratio(problem, recipe, {slot}) <= 1);
    CHECK(largest_ratio(problem, recipe, {"denominator"}) > .05);
  }
}

TEST_CASE("the bound of an online state is not vacuous: a bf16 state uses a tenth of it, 30% off exceeds it") {
  const Problem problem = test::small_problems().front().problem;
  const Recipe recipe =
      test::with_settings(load_recipe("fp32"), {"softmax=online_guarded", "online.tile=4", "online.state=bf16"});
  for (const char* slot : {"row_max", "denominator", "pooled"}) {
    INFO(slot);
    CHECK(largest_ratio(problem, recipe, {slot}) > .1);
    RunOptions options;
    options.overrides[parse_slot(slot)] = [](Tensor& tensor) {
      std::vector<double> values = to_doubles(tensor);
      for (double& value : values) value *= 1.3;
      tensor.data = std::move(values);
    };
    CHECK(test::row_named(bounded(problem, recipe, run_traced(problem, recipe, options).tape), slot).bound->ratio > 1);
  }
}

TEST_CASE("sums of tensor cores and gradients through the maximum stay in their bounds, and near them") {
  const std::vector<const char*> sums{"kv", "gate", "pooled", "grad.w_kv", "grad.w_gate", "grad.hidden.kv", "grad.ape"};
  for (const auto& [name, problem] : test::small_problems()) {
    for (const char* order : {"tensor_core:24,8", "tensor_core:13,32", "tensor_core:10,4"}) {
      for (const char* accumulate : {"fp32", "fp16", "bf16"}) {
        Recipe recipe = load_recipe("fp32");
        for (const char* stage : {"project_kv", "project_gate", "pool", "bias"})
          recipe = test::with_settings(
              recipe, {std::string(stage) + ".summation=" + order, std::string(stage) + ".accumulate=" + accumulate});
        INFO(name << ", " << order << ", " << accumulate);
        const double largest = largest_ratio(problem, recipe, sums);
        CHECK(largest <= 1);
        CHECK(largest > .01);
      }
    }
    for (const char* format : {"fp32", "bf16"}) {
      for (const char* vjp : {"autodiff:jax_div", "autodiff:torch_div", "autodiff:torch_two_exp"}) {
        const std::string own = format;
        const Recipe recipe = test::with_settings(
            load_recipe("fp32"), {std::string("backward.softmax.vjp=") + vjp, "backward.softmax.max_gradient=through",
                                  "backward.softmax.compute=" + own, "backward.softmax.storage=" + own,
                                  "backward.softmax.accumulate=fp32", "softmax.accumulate=bf16"});
        INFO(name << ", " << format << ", " << vjp);
        CHECK(largest_ratio(problem, recipe, {"grad.logits"}) <= 1);
      }
    }
  }
}

TEST_CASE("a sum that cancels errs as its deviations say: in width, in kurtosis and in its tail") {
  // Terms that add up to 0, in random order; one by one in fp32.
  constexpr int terms = 64;
  constexpr int trials = 200000;
  test::Random random(5);
  std::vector<float> values(terms);
  for (int i = 0; i < terms; i += 2) {
    values[static_cast<std::size_t>(i)] = static_cast<float>(random.normal());
    values[static_cast<std::size_t>(i) + 1] = -values[static_cast<std::size_t>(i)];
  }
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * value;
  const double sigma = 0x1p-24 / std::sqrt(3.) * std::sqrt(terms * squares / 6);
  double second = 0;
  double fourth = 0;
  std::vector<double> errors;
  for (int trial = 0; trial < trials; ++trial) {
    for (std::size_t i = terms - 1; i > 0; --i) std::swap(values[i], values[random.index(i + 1)]);
    float sum = 0;
    for (const float value : values) sum += value;
    const double error = sum / sigma;
    errors.push_back(std::fabs(error));
    second += error * error / trials;
    fourth += error * error * error * error / trials;
  }
  // Every rounding is taken as large as it is for a significand of 1; on average it is 0.42466 sqrt(3) of that.
  CHECK(std::fabs(second - 3 * .42466 * .42466) <= .1);
  // sqrt(t / sinh t): kurtosis 3 + (1/15) / (1/6)^2 = 5.4.
  CHECK(std::fabs(fourth / (second * second) - 5.4) <= .5);
  const double width = std::sqrt(second);
  const double s = 5 / std::sqrt(6.);
  const double expected = 2 * std::exp(-std::acos(-1.) * s) / (std::acos(-1.) * std::sqrt(s));
  const auto beyond = std::count_if(errors.begin(), errors.end(), [&](double error) { return error > 5 * width; });
  CHECK(std::fabs(static_cast<double>(beyond) / trials / expected - 1) <= .5);
}

TEST_CASE("14.6 sigma of such a sum are as rare as 6 of a normal law, and wide deviations say so") {
  const double s = 14.6 / std::sqrt(6.);
  const double tail = 2 * std::exp(-std::acos(-1.) * s) / (std::acos(-1.) * std::sqrt(s));
  CHECK(std::fabs(tail / std::erfc(6 / std::sqrt(2.)) - 1) <= .05);
  const Problem problem = test::golden_problem("csa-small");
  const Recipe recipe = load_recipe("fp32");
  const Tape run = run_traced(problem, recipe, {}).tape;
  const judge::Replayer replayer(problem, recipe, run, 1);
  const auto inner = judge::inner_deviations(forward(Name::kv), replayer, run);
  REQUIRE(inner);
  double widest = 0;
  for (std::size_t i = 0; i < inner->rms.size(); ++i) widest = std::max(widest, inner->wide[i] / inner->rms[i]);
  CHECK(widest <= 14.6 / 6);
  CHECK(widest >= .98 * 14.6 / 6);  // where a sum cancels
}
