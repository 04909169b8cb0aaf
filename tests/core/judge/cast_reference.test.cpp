// SPDX-License-Identifier: Apache-2.0
// A recipe's casts and nothing else: every slot is what rounding its exact value once gives.
#include "core/judge/cast_reference.hpp"

#include "core/compressor/run.hpp"
#include "core/judge/attribution.hpp"
#include "precision/formats.hpp"
#include "precision/rounding.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/golden.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;

TEST_CASE("fp64 has no casts: the reference is its run, and nothing changed") {
  const Problem problem = test::golden_problem("csa-tiny");
  const judge::CastReference reference = judge::cast_reference(problem, load_recipe("fp64"), 1);
  CHECK(reference.changed.empty());
  const Tape run = run_traced(problem, load_recipe("fp64"), {}).tape;
  for (const auto& [slot, record] : run.records()) {
    INFO(to_string(slot));
    CHECK(to_doubles(reference.tape.find(slot)->tensor) == to_doubles(record.tensor));
  }
}

TEST_CASE("one cast: its slot is the exact one rounded, what it changed is marked, later slots are exact of it") {
  const Problem problem = test::golden_problem("csa-tiny");
  const Tape exact = run_traced(problem, load_recipe("fp64"), {}).tape;
  const precision::Format bf16 = precision::parse_format("bf16");
  const Recipe recipe = with_setting(load_recipe("fp64"), "pool.storage=bf16");
  const judge::CastReference reference = judge::cast_reference(problem, recipe, 1);
  const Slot pooled = forward(Name::pooled);
  const std::vector<double> before = to_doubles(exact.find(pooled)->tensor);
  const std::vector<double> after = to_doubles(reference.tape.find(pooled)->tensor);
  std::size_t changes = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    CHECK(after[i] == precision::round(before[i], bf16));
    CHECK((reference.changed.at(pooled)[i] != 0) == (after[i] != before[i]));
    changes += after[i] != before[i];
  }
  CHECK(changes > 0);
  CHECK(reference.tape.find(forward(Name::kv))->tensor.at(0) == exact.find(forward(Name::kv))->tensor.at(0));
  Tape pinned;
  pinned.set(pooled, reference.tape.find(pooled)->tensor, bf16);
  const Recipe rest = judge::suffix_recipe(recipe, problem.config);
  const Tape again = run_from(problem, rest, {pinned, {forward(Name::output)}}, {}).tape;
  CHECK(to_doubles(again.find(forward(Name::output))->tensor) ==
        to_doubles(reference.tape.find(forward(Name::output))->tensor));
}

TEST_CASE("copies change nothing: values and logits hold what was cast before") {
  const Problem problem = test::golden_problem("csa-tiny");
  const judge::CastReference reference = judge::cast_reference(problem, load_recipe("bf16-pure"), 1);
  CHECK(reference.changed.count(forward(Name::kv)) == 1);
  CHECK(reference.changed.count(forward(Name::values)) == 0);
  CHECK(reference.changed.count(forward(Name::output)) == 0);
}

TEST_CASE("where a recipe draws, its reference rounds to nearest: the same whatever the seed") {
  const Problem problem = test::golden_problem("csa-tiny");
  const Recipe drawn = with_setting(load_recipe("fp64"), "pool.storage=bf16:sr");
  const auto output = [&](const Recipe& recipe) {
    return to_doubles(judge::cast_reference(problem, recipe, 1).tape.find(forward(Name::output))->tensor);
  };
  CHECK(output(drawn) == output(with_setting(load_recipe("fp64"), "pool.storage=bf16")));
  CHECK(output(with_setting(drawn, "seed=5")) == output(drawn));
}
