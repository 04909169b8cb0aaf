// SPDX-License-Identifier: Apache-2.0
// The sigma map by hand: where one number is rounded once, its sigma is that rounding's, whatever stands beside it.
#include "core/judge/sigma_map.hpp"

#include <cmath>

#include "core/judge/ruler.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using compressor::forward;
using compressor::Name;

TEST_CASE("an element that is farther off than its row keeps what it is off; others are raised with the row") {
  compressor::Problem problem = compressor::make_problem(test::small_config(compressor::Mode::hca), {});
  const std::size_t width = problem.config.features();
  std::vector<double> weights = compressor::to_doubles(problem.inputs.at(Name::w_kv));
  for (std::size_t k = 0; k < problem.config.hidden; ++k) weights[k] *= 0x1p10;  // feature 0
  problem.inputs[Name::w_kv].data = weights;
  const auto recipe = test::with_settings(compressor::load_recipe("fp64"), {"project_kv.storage=bf16"});
  const auto run = compressor::run_traced(problem, recipe, {}).tape;
  const judge::Exact exact = judge::exact_in_fp64();
  const judge::Evidence evidence{problem, recipe, run, exact};
  const std::vector<double> deviation = judge::deviations_of(evidence).at(forward(Name::kv)).any;
  const std::vector<double> sigma = judge::sigma_map(evidence).value().sigma.at(forward(Name::kv));
  REQUIRE(sigma.size() == deviation.size());
  const std::size_t rows = sigma.size() / width;
  double large = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    const double own = deviation[row * width];
    large += sigma[row * width] / own / static_cast<double>(rows);
    // Half of the large one's share of its row, but for what 32 draws are off.
    const double least = .5 * own / std::sqrt(2. * static_cast<double>(width));
    for (std::size_t i = 1; i < width; ++i) CHECK(sigma[row * width + i] >= least);
  }
  CHECK(std::fabs(large - 1) <= .05);  // 32 draws of each of the rows: .13 / sqrt(rows)
}

TEST_CASE("the largest logit's exponential may be off by as much as another logit can overtake it") {
  const compressor::Problem problem = compressor::make_problem(test::small_config(compressor::Mode::csa), {});
  const auto recipe = compressor::load_recipe("hf");
  const auto run = compressor::run_traced(problem, recipe, {}).tape;
  const judge::Exact exact = judge::exact_in_fp64();
  const auto map = judge::sigma_map({problem, recipe, run, exact}).value();
  const auto truth = compressor::run_traced(problem, compressor::load_recipe("fp64"), {}).tape;
  const compressor::Tensor& shifted = truth.find(forward(Name::shifted))->tensor;
  const std::vector<double>& logits = map.sigma.at(forward(Name::logits));
  std::size_t largest = 0;
  for (std::size_t i = 0; i < shifted.size(); ++i) {
    if (shifted.at(i) != 0) continue;
    ++largest;
    for (const Name name : {Name::shifted, Name::exp}) CHECK(map.sigma.at(forward(name))[i] >= 1.414 * logits[i]);
  }
  CHECK(largest > 50);
}

TEST_CASE("a table's element that the recipe hardly rounds may be rounded the other way by another library") {
  compressor::Config config = test::small_config(compressor::Mode::csa);
  config.rope = compressor::Rope{8, 160000, std::nullopt, 0};
  const compressor::Problem problem = compressor::make_problem(config, {});
  const auto recipe = compressor::load_recipe("hf-fp32");
  const auto run = compressor::run_traced(problem, recipe, {}).tape;
  const judge::Exact exact = judge::exact_in_fp64();
  const judge::Evidence evidence{problem, recipe, run, exact};
  const std::vector<double> own = judge::deviations_of(evidence).at(forward(Name::rope_sin)).own;
  const std::vector<double> sigma = judge::sigma_map(evidence).value().sigma.at(forward(Name::rope_sin));
  const compressor::Tensor& sines = run.find(forward(Name::rope_sin))->tensor;
  const judge::Ruler ruler(precision::parse_format("fp32"));
  std::size_t hardly = 0;
  for (std::size_t i = 0; i < sines.size(); ++i) {
    const double spacing = ruler.spacing(sines.at(i));
    if (sines.at(i) == 0) CHECK(sigma[i] == 0);
    if (sines.at(i) == 0) continue;
    hardly += std::fabs(own[i]) < .1 * spacing;
    CHECK(6 * sigma[i] >= 1.7 * spacing);  // a sine within an ulp of the correctly rounded one is 1.5 off at most
  }
  CHECK(hardly > 0);
}
