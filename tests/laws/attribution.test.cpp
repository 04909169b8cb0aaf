// SPDX-License-Identifier: Apache-2.0
// Attribution by law: a planted error is owned by the stage that it was planted in, and by no other.
#include "core/judge/attribution.hpp"

#include <algorithm>
#include <cmath>

#include "core/compressor/run.hpp"
#include "core/judge/compare.hpp"
#include "core/judge/owners.hpp"
#include "reference/oracle.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/distance.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;

namespace {

struct Planted {
  std::string stage;  ///< of the recipe, as --set names it
  std::string owner;
  std::string target;
};

/// Three bits: local rms 5e-2, a tenth of what bf16 keeps.
const std::string coarse = "e8m2";

judge::Attribution attributed(const Problem& problem, const Recipe& recipe, const Tape& run,
                              const std::string& target) {
  const judge::Exact exact = judge::exact_in_fp64();
  return judge::attribute_by_ladder({problem, recipe, run, exact}, parse_slot(target));
}

const judge::Owner& leader(const std::vector<judge::Owner>& owners) {
  return *std::max_element(owners.begin(), owners.end(),
                           [](const auto& a, const auto& b) { return a.share.value() < b.share.value(); });
}

const judge::AttributionStep& step_of(const judge::Attribution& attribution, const std::string& slot) {
  return *std::find_if(attribution.steps.begin(), attribution.steps.end(),
                       [&](const auto& step) { return step.slot && to_string(*step.slot) == slot; });
}

}  // namespace

TEST_CASE("a coarse storage planted in one stage leads the table of owners, every stage in turn") {
  const std::vector<Planted> forward_stages{{"project_kv", "project_kv", "output"},
                                            {"project_gate", "project_gate", "output"},
                                            {"bias", "bias", "output"},
                                            {"softmax", "softmax", "output"},
                                            {"products", "products", "output"},
                                            {"pool", "pool", "output"},
                                            {"normalize", "normalize", "output"},
                                            {"scale", "scale", "output"},
                                            {"rotate", "rotate", "output"},
                                            {"rope_table", "rope_table", "output"}};
  const std::vector<Planted> indexer_stages{{"hadamard", "hadamard", "output"},
                                            {"quantize", "quantize", "output"},
                                            {"hadamard", "backward hadamard", "grad.hidden"}};
  const std::vector<Planted> backward_stages{{"rotate", "backward rotate", "grad.hidden"},
                                             {"scale", "backward scale", "grad.hidden"},
                                             {"normalize", "backward normalize", "grad.hidden"},
                                             {"pool", "backward pool", "grad.hidden"},
                                             {"products", "backward products", "grad.hidden"},
                                             {"softmax", "backward softmax", "grad.w_gate"},
                                             {"window", "backward window", "grad.w_kv"},
                                             {"bias", "backward bias", "grad.w_gate"},
                                             {"project_kv", "backward project_kv", "grad.hidden"},
                                             {"project_gate", "backward project_gate", "grad.hidden"},
                                             {"join_hidden", "backward join_hidden", "grad.hidden"}};
  const auto check = [](const Problem& problem, const char* recipe_name, const Planted& planted) {
    const std::string side = planted.owner.starts_with("backward ") ? "backward." : "";
    const Recipe recipe = with_setting(load_recipe(recipe_name), side + planted.stage + ".storage=" + coarse);
    INFO(planted.target << " with " << recipe.name << (problem.config.overlap ? ", csa" : ", hca"));
    const Tape run = run_traced(problem, recipe, {}).tape;
    CHECK(leader(judge::owners_of(attributed(problem, recipe, run, planted.target))).name == planted.owner);
  };
  for (const Mode mode : {Mode::csa, Mode::hca}) {
    const Problem problem = make_problem(test::small_config(mode), {});
    for (const Planted& planted : forward_stages) check(problem, "hf", planted);
    for (const Planted& planted : backward_stages) check(problem, "hf", planted);
  }
  Config config = test::small_problems().back().problem.config;
  REQUIRE(config.hadamard);
  config.quantize->format = "e4m3fn";  // finer than what is planted
  const Problem indexer = make_problem(config, {});
  for (const Planted& planted : indexer_stages) check(indexer, "fp32", planted);
}

TEST_CASE("three bits of significand are a local error of 5e-2, in norm") {
  const Problem problem = make_problem(test::small_config(Mode::csa), {});
  const Recipe recipe = with_setting(load_recipe("hf"), "project_kv.storage=" + coarse);
  const judge::Exact exact = judge::exact_in_fp64();
  const Recipe truth_recipe = judge::truth_recipe(recipe, problem.config, judge::Basis::quantized);
  const judge::Truth truth{{}, truth_recipe, run_traced(problem, truth_recipe, {}).tape};
  const Run run = run_traced(problem, recipe, {});
  judge::RunReport report = judge::measure_run(problem, run, truth, 1);
  judge::split_errors(report, {problem, recipe, run.tape, exact}, truth.tape);
  for (const judge::Row& row : report.rows) {
    if (row.slot == forward(Name::kv)) CHECK(std::fabs(row.local.value().rms_rel - .05) <= .005);
  }
}

TEST_CASE("what is planted in the maximum of a row is no one's error: the softmax does not see it") {
  const Problem problem = make_problem(test::small_config(Mode::csa), {});
  const Recipe recipe = load_recipe("fp64");
  const Tape exact = run_traced(problem, recipe, {}).tape;
  RunOptions options;
  options.overrides[forward(Name::row_max)] = [](Tensor& tensor) {
    std::vector<double> values = to_doubles(tensor);
    for (double& value : values) value *= 1.05;
    tensor.data = std::move(values);
  };
  const Tape run = run_traced(problem, recipe, options).tape;
  CHECK(test::relative_error(run.find(forward(Name::row_max))->tensor, exact.find(forward(Name::row_max))->tensor) >
        .04);
  for (const char* target : {"output", "grad.w_gate"}) {
    const auto attribution = attributed(problem, recipe, run, target);
    CHECK(step_of(attribution, "row_max").contribution.rms_rel <= 1e-14);
  }
}

TEST_CASE("one delta in an exact run is what the oracle computes from the moved slot, and 0 elsewhere") {
  struct Case {
    Name moved;  ///< the input whose change moves `slot`, and reaches the target through it only
    std::string slot;
    std::string target;
  };
  const std::vector<Case> cases{{Name::w_kv, "kv", "output"},
                                {Name::w_kv, "kv", "grad.w_gate"},
                                {Name::w_gate, "gate", "output"},
                                {Name::w_gate, "gate", "grad.ape"},
                                {Name::ape, "biased", "output"},
                                {Name::ape, "biased", "grad.hidden"},
                                {Name::gamma, "normed", "output"},
                                {Name::cotangent, "grad.output", "grad.w_kv"},
                                {Name::cotangent, "grad.output", "grad.hidden"}};
  const Recipe recipe = load_recipe("fp64");
  for (const Mode mode : {Mode::csa, Mode::hca}) {
    const Problem problem = make_problem(test::small_config(mode), {});
    const Tape base = reference::oracle(problem, {});
    for (const auto& [moved, slot, target] : cases) {
      INFO("delta in " << slot << ", target " << target);
      Problem other = problem;
      Tensor& input = other.inputs.at(moved);
      const Tensor noise = test::random_tensor(input.shape, 5);
      std::vector<double> values = to_doubles(input);
      for (std::size_t i = 0; i < values.size(); ++i) values[i] *= 1 + 1e-2 * noise.at(i);
      input.data = std::move(values);
      const Tape oracle = reference::oracle(other, {});
      const Tensor& planted = oracle.find(parse_slot(slot))->tensor;
      RunOptions options;
      options.overrides[parse_slot(slot)] = [&](Tensor& tensor) { tensor.data = planted.data; };
      const Tape run = run_traced(problem, recipe, options).tape;
      const auto attribution = attributed(problem, recipe, run, target);
      const double expected =
          test::relative_error(oracle.find(parse_slot(target))->tensor, base.find(parse_slot(target))->tensor);
      REQUIRE(expected > 1e-4);
      for (const auto& step : attribution.steps) {
        const bool here = step.slot && to_string(*step.slot) == slot;
        INFO((step.slot ? to_string(*step.slot) : "inputs"));
        CHECK(std::fabs(step.contribution.rms_rel - (here ? expected : 0)) <= 1e-10 * expected);
        CHECK(std::fabs(step.contribution.share.value() - (here ? 1 : 0)) <= 1e-9);
      }
    }
  }
}

TEST_CASE("an exact stage has no local error, and a single cast at most half an ulp, everywhere") {
  std::vector<std::string> stages{"project_kv", "project_gate", "bias",  "softmax", "products",
                                  "pool",       "normalize",    "scale", "rotate"};
  const std::vector<std::string> forward_stages = stages;
  for (const std::string& stage : forward_stages) stages.push_back("backward." + stage);
  stages.push_back("backward.join_hidden");
  const std::vector<std::string> hadamard_stages{"hadamard", "backward.hadamard"};
  const judge::Exact exact = judge::exact_in_fp64();
  std::vector<test::SmallProblem> problems = test::small_problems();
  Config transformed = problems.back().problem.config;
  transformed.quantize.reset();  // it would quantise after the last cast
  problems.back() = {"csa with Hadamard", make_problem(transformed, {})};
  for (const auto& [name, problem] : problems) {
    for (const std::string& stage : problem.config.hadamard ? hadamard_stages : stages) {
      const Recipe recipe = with_setting(load_recipe("fp64"), stage + ".storage=bf16");
      const Recipe truth_recipe = judge::truth_recipe(recipe, problem.config, judge::Basis::quantized);
      const judge::Truth truth{{}, truth_recipe, run_traced(problem, truth_recipe, {}).tape};
      const Run run = run_traced(problem, recipe, {});
      judge::RunReport report = judge::measure_run(problem, run, truth, 1);
      judge::split_errors(report, {problem, recipe, run.tape, exact}, truth.tape);
      double casts = 0;
      for (const judge::Row& row : report.rows) {
        if (!row.local) continue;
        INFO(name << ", " << stage << " in bf16: " << to_string(row.slot) << " as " << row.format);
        const bool cast = row.format == "bf16";
        CHECK(row.local->max_ulp <= (cast ? .5 : 0.));
        CHECK(row.vs_floor.value_or(1) >= 1 - 1e-12);
        if (cast) casts += row.local->max_ulp;
      }
      CHECK(casts > .4);
    }
  }
}
