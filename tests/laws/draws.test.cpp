// SPDX-License-Identifier: Apache-2.0
// Laws of stochastic rounding in a run: a draw belongs to seed, slot, element and operation, and to nothing else.
// How a run is cut is engine.test.cpp's business: its examples hold recipes that draw.
#include <cmath>

#include "precision/rounding.hpp"
#include "tests/laws/support/examples.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

RunOptions with_seed(std::uint64_t seed) {
  RunOptions options;
  options.seed = seed;
  return options;
}

}  // namespace

TEST_CASE("one seed gives the same bits again, another gives others") {
  const Problem problem = small_problems().front().problem;
  for (const Recipe& recipe : drawing_recipes()) {
    const Tape once = run_traced(problem, recipe, with_seed(5)).tape;
    INFO(recipe.name);
    CHECK(first_difference(once, run_traced(problem, recipe, with_seed(5)).tape, 30) == "");
    CHECK(first_difference(once, run_traced(problem, recipe, with_seed(6)).tape, 30) != "");
  }
}

TEST_CASE("slots replayed with the run's seed are the run's") {
  for (const SmallProblem& small : small_problems()) {
    for (const Recipe& recipe : drawing_recipes()) {
      const Tape traced = run_traced(small.problem, recipe, with_seed(9)).tape;
      std::vector<Slot> slots;
      for (const auto& [slot, record] : traced.records()) slots.push_back(slot);
      INFO(small.name << ", recipe " << recipe.name);
      CHECK(first_difference(run_from(small.problem, recipe, {traced, slots}, with_seed(9)).tape, traced, 30) == "");
    }
  }
}

TEST_CASE("the mean over seeds of stochastic roundings is the exact value, for operations and for inputs") {
  const Problem problem = small_problems().front().problem;
  const auto [name, slot] = GENERATE(std::pair{"products.storage=bf16:sr", forward(Name::products)},
                                     std::pair{"inputs.gamma=bf16:sr", forward(Name::normed)});
  const Recipe recipe = with_setting(load_recipe("fp64"), name);
  const Tensor exact = run_traced(problem, load_recipe("fp64"), {}).tape.find(slot)->tensor;
  constexpr int seeds = 64;
  double bias = 0;      // sum of error / ulp over elements and seeds
  double variance = 0;  // its variance, were the draws independent and unbiased: at most 1/4 each
  for (int seed = 0; seed < seeds; ++seed) {
    const Tensor drawn =
        run_traced(problem, recipe, with_seed(static_cast<std::uint64_t>(seed))).tape.find(slot)->tensor;
    for (std::size_t i = 0; i < exact.size(); i += 7) {
      if (exact.at(i) == 0) continue;
      const double ulp = std::ldexp(1.0, std::ilogb(exact.at(i)) - 7);
      bias += (drawn.at(i) - exact.at(i)) / ulp;
      variance += 0.25;
    }
  }
  // gamma's draws are shared by all entries of a channel: as many sums move together.
  const double together = slot.name == Name::normed ? 2.0 * 9 : 1.0;
  CHECK(std::abs(bias) <= 5 * std::sqrt(variance * together));
}
