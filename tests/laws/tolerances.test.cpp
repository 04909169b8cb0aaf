// SPDX-License-Identifier: Apache-2.0
// No alarm: honest runs whose sums are added in other legal orders pass, by replay and by derived tolerances.
#include "tests/laws/support/fresh_shapes.hpp"
#include "tests/laws/support/kept_slots.hpp"
#include "tests/laws/support/legal_orders.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;

namespace {

constexpr const char* recipes[] = {"fp32", "hf",     "pr3810", "maxtext",  "hf-fp32",
                                   "vllm", "native", "trtllm", "megatron", "maxtext-bf16"};

/// Two recipes on each of ten shapes, ten runs each; `each_keeps`: how many sets of slots are judged of every run.
void judge_honest_runs(std::size_t each_keeps) {
  std::size_t runs = 0;
  for (std::size_t index = 0; index < 10; ++index) {
    const Problem problem = test::fresh_problem(test::fresh_seed(), index);
    test::Random random(index);
    for (const std::size_t which : {index, (index + 5) % 10}) {
      const Recipe recipe = load_recipe(recipes[which]);
      const test::Court court(problem, recipe);
      for (int draw = 0; draw < 10; ++draw, ++runs) {
        const Tape tape = run_traced(problem, test::reordered(recipe, random), {}).tape;
        for (std::size_t i = 0; i < each_keeps; ++i) {
          const test::Kept kept = test::all_kept[(runs + i) % std::size(test::all_kept)];
          INFO("seed " << test::fresh_seed() << ", shape " << index << ", " << recipe.name << ", run " << draw
                       << ", keeps " << to_string(kept));
          CHECK(test::failures(court.judged(test::dump_of(tape, kept))) == "");
        }
      }
    }
  }
  CHECK(runs == 200);
}

}  // namespace

TEST_CASE("two hundred honest runs whose sums are added in other orders raise no alarm") { judge_honest_runs(1); }

TEST_CASE("single roundings that cancel in every pattern, or move a whole channel, raise no alarm") {
  struct Met {
    std::uint64_t seed;
    std::size_t shape;
    const char* recipe;
    std::size_t draws;  ///< from the first on that showed it
  };
  // Two gates near ties that move an element of grad.ape either way; a denominator whose last bit rounds grad.logits.
  for (const Met& met : {Met{41, 7, "trtllm", 2}, Met{69, 1, "hf", 3}}) {
    const Problem problem = test::fresh_problem(met.seed, met.shape);
    const Recipe recipe = load_recipe(met.recipe);
    const test::Court court(problem, recipe);
    test::Random random(met.shape);
    for (std::size_t draw = 0; draw < met.draws; ++draw) {
      const Tape tape = run_traced(problem, test::reordered(recipe, random), {}).tape;
      INFO("seed " << met.seed << ", shape " << met.shape << ", " << met.recipe << ", run " << draw);
      CHECK(test::failures(court.judged(test::dump_of(tape, test::Kept::results))) == "");
    }
  }
}

TEST_CASE("nor do they whatever slots they keep", "[.full]") { judge_honest_runs(std::size(test::all_kept)); }
