// SPDX-License-Identifier: Apache-2.0
// This repository's own baseline: the golden problems in every built-in recipe are what was blessed
// (tests/baseline.json).
#include "core/judge/baseline.hpp"

#include <thread>

#include "app/rendering.hpp"
#include "app/verbs.hpp"
#include "core/compressor/recipe.hpp"
#include "core/io/json.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/data.hpp"

using namespace ulpscope;

namespace {
const std::string file = test::source_path("tests/baseline.json");
}

TEST_CASE("the golden problems in every built-in recipe are what was blessed: bits, or errors no larger") {
  app::CheckOptions options;
  options.baseline = file;
  options.threads = std::max(1U, std::thread::hardware_concurrency());
  const app::Outcome outcome = app::check(options);
  INFO(app::terminal_text(outcome.report, judge::Colour::off));
  CHECK(outcome.exit == 0);
}

TEST_CASE("the baseline holds every golden problem and every built-in recipe") {
  const judge::Baseline baseline = judge::baseline_from_json(io::read_json(file), "tests/baseline.json");
  CHECK(baseline.problems.size() == 9);
  for (const std::string& recipe : compressor::builtin_recipe_names()) {
    INFO(recipe << ": a new recipe is blessed by `make bless`");
    CHECK(baseline.recipes.contains(recipe));
  }
  CHECK(baseline.runs.size() == baseline.problems.size() * baseline.recipes.size());
  for (const auto& [name, run] : baseline.runs) {
    INFO(name);
    CHECK(run.slots.size() > 20);
  }
}
