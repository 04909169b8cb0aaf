// SPDX-License-Identifier: Apache-2.0
// Replay: from the nearest slots, and with the freedom of sums that one computes by hand.
#include "core/judge/replay.hpp"

#include <cmath>

#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using compressor::forward;
using compressor::gradient;
using compressor::Name;

namespace {

bool holds(const std::vector<compressor::Slot>& slots, compressor::Slot slot) {
  return std::find(slots.begin(), slots.end(), slot) != slots.end();
}

}  // namespace

TEST_CASE("a slot is replayed from the nearest slots that the dump holds") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto recipe = compressor::load_recipe("fp32");
  auto dump = test::own_dump(problem, recipe);
  const judge::Replayer whole(problem, recipe, dump.tape, 1);
  CHECK(whole.replay(forward(Name::pooled)).from == std::vector{forward(Name::products)});

  test::keep_only(dump, {"logits", "values", "pooled"});
  const judge::Replayer part(problem, recipe, dump.tape, 1);
  const auto from = part.replay(forward(Name::pooled)).from;
  CHECK(holds(from, forward(Name::logits)));
  CHECK(holds(from, forward(Name::values)));
  CHECK_FALSE(holds(from, forward(Name::hidden)));
}

TEST_CASE("the freedom of pooled is ((1+u)^L - 1) times the sum of |products|") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto recipe = compressor::load_recipe("fp32");
  const auto dump = test::own_dump(problem, recipe);
  const auto replayed = judge::Replayer(problem, recipe, dump.tape, 1).replay(forward(Name::pooled));
  const auto products = test::values_of(dump, "products");

  const double growth = std::pow(1 + 0x1p-24, 8) - 1;
  for (std::size_t window = 0; window < 3; ++window) {
    for (std::size_t c = 0; c < 8; ++c) {
      double sum = 0;
      for (std::size_t r = 0; r < 8; ++r) sum += std::fabs(products[(window * 8 + r) * 8 + c]);
      CHECK_THAT(replayed.freedom[window * 8 + c], Catch::Matchers::WithinRel(growth * sum, 1e-6));
    }
  }
}

TEST_CASE("elementwise slots have no freedom, sums have, and every slot's own value is explained") {
  const auto problem = test::golden_problem("csa-tiny");
  for (const char* name : {"fp32", "hf", "pr3810"}) {
    const auto recipe = compressor::load_recipe(name);
    const auto dump = test::own_dump(problem, recipe);
    const judge::Replayer replayer(problem, recipe, dump.tape, 1);
    for (const auto slot : replayer.graph().order()) {
      const auto replayed = replayer.replay(slot);
      INFO(name << " " << compressor::to_string(slot));
      for (std::size_t i = 0; i < replayed.low.size(); ++i) {
        const double value = replayed.value.at(i);
        CHECK((std::isnan(value) || (replayed.low[i] <= value && value <= replayed.high[i])));
      }
      const bool elementwise =
          slot == forward(Name::products) || slot == gradient(Name::weights) || slot == forward(Name::shifted);
      if (elementwise)
        CHECK(std::all_of(replayed.freedom.begin(), replayed.freedom.end(), [](double d) { return d == 0; }));
    }
  }
}

TEST_CASE("a sum that the dump does not hold passes its freedom on") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto recipe = compressor::load_recipe("fp32");
  auto dump = test::own_dump(problem, recipe);
  test::keep_only(dump, {"logits", "weights"});  // the denominator is recomputed on the way
  const auto replayed = judge::Replayer(problem, recipe, dump.tape, 1).replay(forward(Name::weights));
  const auto weights = test::values_of(dump, "weights");
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] < 0x1p-100) continue;
    CHECK(replayed.freedom[i] > 0);
    CHECK(replayed.freedom[i] <= 12 * 0x1p-24 * weights[i]);  // L u, and the roundings it may push over a tie
  }
}

TEST_CASE("without the norm, grad.pooled is replayed as what the next stage gives back") {
  for (const char* omit : {"omit=normalize,scale", "omit=normalize,scale,rotate"}) {
    auto problem = test::golden_problem("csa-indexer");
    const auto recipe = compressor::with_setting(compressor::load_recipe("hf"), omit);
    const auto dump = test::own_dump(problem, recipe);
    const auto report = test::judged(problem, dump, recipe);
    INFO(omit);
    CHECK(judge::exit_code(report) == 0);
    CHECK(test::row_named(report, "grad.pooled").replay->bits_equal == 1);
  }
}
