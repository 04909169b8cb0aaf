// SPDX-License-Identifier: Apache-2.0
// Elements recorded again have the run's own bits, in every slot and layout, and name the operation that made them.
#include "core/compressor/element_record.hpp"

#include <cmath>

#include "core/compressor/graph.hpp"
#include "core/compressor/run.hpp"
#include "core/io/error.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/distance.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;

namespace {

/// Random elements of every slot that a recipe computes.
void check_every_slot(const Problem& problem, const Recipe& recipe, test::Random& random) {
  const Run run = run_traced(problem, recipe, {});
  for (const Slot slot : program_order(problem, recipe)) {
    if (level_of(slot) == Level::table) continue;
    const Tensor& tensor = run.tape.find(slot)->tensor;
    for (int i = 0; i < 3; ++i) {
      const std::size_t index = i == 0 ? tensor.size() - 1 : random.index(tensor.size());
      const ElementRecord record = record_element(problem, recipe, run.tape, {slot, index});
      INFO(recipe.name << " " << to_string(slot) << " " << index << ": " << record.value << " " << tensor.at(index));
      CHECK(test::same_bits(record.value, tensor.at(index)));
      if (std::isfinite(record.value)) CHECK_FALSE(record.birth);
      CHECK_FALSE(record.last.name.empty());
    }
  }
}

}  // namespace

TEST_CASE("a recorded element has the run's bits, whatever the slot, the pipeline and the formats") {
  test::Random random(11);
  for (const test::SmallProblem& small : test::small_problems()) {
    for (const char* name : {"fp32", "pr3810", "maxtext", "bf16-pure", "hf-fp32"}) {
      // A root that is rounded once is the C++ library's; recorded numbers take 1 / sqrt.
      const Recipe recipe = test::with_settings(load_recipe(name), {"normalize.rsqrt=div_sqrt"});
      INFO(small.name);
      check_every_slot(small.problem, recipe, random);
    }
  }
}

TEST_CASE("softmax algorithms, autodiff and blas run in recorded numbers too") {
  test::Random random(12);
  const Problem problem = test::small_problems().at(1).problem;
  const std::vector<std::vector<std::string>> variants{
      {"softmax=online", "online.tile=3"},
      {"softmax=online_guarded"},
      {"softmax=log_softmax"},
      {"softmax=naive", "softmax.vjp=autodiff:jax_div"},
      {"softmax=naive", "softmax.vjp=autodiff:torch_two_exp"},
      {"softmax=double_where", "mask=pad"},
      {"softmax=where_post", "mask=pad", "softmax.vjp=autodiff:torch_div", "softmax.max_gradient=through"},
      {"pad.gate=exclude", "segments=strict"},
      {"pool.summation=pairwise", "project_kv.summation=blocked:4", "default=fp16"},
  };
  for (const auto& settings : variants) {
    std::vector<std::string> all = settings;
    all.emplace_back("normalize.rsqrt=div_sqrt");
    INFO(settings.front());
    check_every_slot(problem, test::with_settings(load_recipe("fp32"), all), random);
  }
}

TEST_CASE("an operation is named with operands in the formats they are values of") {
  const Problem problem = test::small_problems().front().problem;
  const Recipe recipe = load_recipe("hf");
  const Run run = run_traced(problem, recipe, {});
  const Slot products = forward(Name::products);
  const std::size_t index = run.tape.find(products)->tensor.size() - 1;
  const ElementRecord record = record_element(problem, recipe, run.tape, {products, index});
  CHECK(record.last.name == "mul");
  REQUIRE(record.last.operands.size() == 2);
  CHECK(record.last.operands[0].value == run.tape.find(forward(Name::weights))->tensor.at(index));
  CHECK(record.last.operands[1].value == run.tape.find(forward(Name::values))->tensor.at(index));
  CHECK(record.last.operands[1].format.name == "bf16");

  const ElementRecord pad = record_element(problem, recipe, run.tape, {forward(Name::values), 0});
  CHECK(pad.last.name == "constant");
  const ElementRecord copy =
      record_element(problem, recipe, run.tape, {forward(Name::values), run.tape.find(products)->tensor.size() - 1});
  CHECK(copy.last.name == "copy");
}

TEST_CASE("the term of a dot product at which it leaves the format is found") {
  Problem problem = test::small_problems().front().problem;
  const Tensor& hidden = problem.input(Name::hidden);
  std::vector<double> values(hidden.size(), 0);
  std::vector<double> weights(problem.input(Name::w_kv).size(), 1);
  values[0] = 40000;
  values[3] = 20000;
  values[7] = 10000;  // 70000
  problem.inputs[Name::hidden] = {hidden.shape, values, io::DType::f64};
  problem.inputs[Name::w_kv] = {problem.input(Name::w_kv).shape, weights, io::DType::f64};
  const Recipe recipe = with_setting(load_recipe("fp16-pure"), "project_kv.accumulate=fp16");
  const ElementRecord record = record_element(problem, recipe, {}, {forward(Name::kv), 1});
  REQUIRE(record.birth);
  CHECK(record.birth->name == "fma");
  CHECK(record.birth->birth_class == "overflow");
  REQUIRE(record.birth->operands.size() == 3);
  CHECK(record.birth->operands[0].value == 10000);
  CHECK(record.birth->operands[1].value == 1);
  CHECK(record.birth->operands[2].value == 60000);
}

TEST_CASE("a slot that the recipe does not compute is refused") {
  const Problem problem = test::small_problems().front().problem;
  CHECK_THROWS_AS(record_element(problem, load_recipe("fp32"), {}, {forward(Name::padded_gate), 0}), InputError);
  CHECK_THROWS_AS(record_element(problem, load_recipe("fp32"), {}, {forward(Name::hidden), 0}), InputError);
}
