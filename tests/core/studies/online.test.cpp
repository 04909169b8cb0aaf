// SPDX-License-Identifier: Apache-2.0
// Study online: a tile as long as the window is two passes; smaller tiles lose more where the state is rounded.
#include <cmath>

#include "tests/core/studies/hand_rows.hpp"
#include "tests/core/studies/measured.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/distance.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using compressor::forward;
using compressor::load_recipe;
using compressor::Name;
using test::measured;
using test::number;

TEST_CASE("one tile as long as the window has the bits of two passes: maximum, denominator, weights") {
  for (const compressor::Mode mode : {compressor::Mode::csa, compressor::Mode::hca}) {
    const compressor::Problem problem = make_problem(test::small_config(mode), {});
    const std::string length = std::to_string(problem.config.window_slots());
    const auto fp32 = load_recipe("fp32");
    const auto online = [&](const std::string& tile) {
      return run_traced(problem, test::with_settings(fp32, {"softmax=online_guarded", "online.tile=" + tile}), {});
    };
    const auto two_passes = run_traced(problem, fp32, {});
    const auto one_tile = online(length);
    const auto single = online("1");
    for (const Name name : {Name::row_max, Name::denominator, Name::softmax, Name::weights}) {
      const auto* found = one_tile.tape.find(forward(name));
      if (found == nullptr) continue;
      INFO(to_string(name));
      CHECK(test::fraction_equal(found->tensor, two_passes.tape.find(forward(name))->tensor) == 1);
    }
    const auto denominators = [](const auto& run) { return run.tape.find(forward(Name::denominator))->tensor; };
    CHECK(test::fraction_equal(denominators(one_tile), denominators(two_passes)) == 1);
    CHECK(test::fraction_equal(denominators(single), denominators(two_passes)) < 1);
  }
}

TEST_CASE("in the study too: the denominator's error with one tile is that of two passes") {
  const auto error = [](const char* tile) {
    return number(measured("online", {{"tile", tile}, {"state", "fp32"}, {"mode", "hca"}}), "denominator");
  };
  CHECK(error("128") == error("two-pass"));
  CHECK(error("1") != error("two-pass"));
}

TEST_CASE("a state rounded to bf16 after each tile loses more with every smaller tile, 11 times from 128 to 1") {
  constexpr std::size_t rows = 20000;
  test::HandRows windows(test::hand_problem(128, 1, rows));
  windows.set(forward(Name::logits), test::normal_values<double>(128 * rows, 1, 2));
  windows.set(forward(Name::values), test::normal_values<double>(128 * rows, 2));
  const auto exact = windows.run(load_recipe("fp64"), forward(Name::pooled));
  const auto error = [&](const std::string& tile, const std::string& state) {
    const auto recipe =
        test::with_settings(load_recipe("fp32"), {"softmax=online", "online.tile=" + tile, "online.state=" + state});
    const auto pooled = windows.run(recipe, forward(Name::pooled));
    double squares = 0;
    double norm = 0;
    for (std::size_t i = 0; i < rows; ++i) {
      squares += (pooled[i] - exact[i]) * (pooled[i] - exact[i]);
      norm += exact[i] * exact[i];
    }
    return std::sqrt(squares / norm);
  };
  // Published for tiles of 1 to 64, of rows whose rounding model differs a little.
  const std::vector<std::pair<const char*, double>> published{
      {"1", 2.64e-2}, {"2", 1.52e-2}, {"4", 9.7e-3}, {"8", 7.2e-3}, {"16", 5.6e-3}, {"32", 4.6e-3}, {"64", 3.9e-3}};
  double before = INFINITY;
  for (const auto& [tile, expected] : published) {
    INFO(tile);
    const double found = error(tile, "bf16");
    CHECK_THAT(found, Catch::Matchers::WithinRel(expected, 0.16));
    CHECK(found < before);
    before = found;
  }
  // One tile: sum and weighted sum are rounded once each, by c u root mean square (c: of a log-uniform significand).
  const double c = std::sqrt((1 - 0.25) / (6 * std::log(2.0)));
  CHECK_THAT(error("128", "bf16"), Catch::Matchers::WithinRel(std::sqrt(2.0) * c * 0x1p-8, 0.03));
  CHECK(error("1", "bf16") / error("128", "bf16") > 8.6);
  CHECK(error("1", "fp32") < 4e-7);
}

TEST_CASE("the conclusion compares tiles where they differ") {
  const auto tile = [](const char* word, double pooled) {
    return test::cell("online", {{"tile", word}}, {{"pooled", pooled}});
  };
  const auto said = [](const std::vector<studies::Cell>& cells) { return test::concluded("online", cells).front(); };
  const std::string head = "Error of pooled, recipe fp32, mode hca, state fp32, gate sigma 2: ";
  CHECK(said({tile("1", 0), tile("2", 0)}) == head + "0 with every tile.");
  CHECK(said({tile("1", 1e-7), tile("2", 0)}) == head + "0 with tiles of 2 and 1e-07 with tiles of 1.");
  CHECK(said({tile("1", 4e-3), tile("2", 1e-3)}) ==
        head + "0.001 with tiles of 2 and 0.004 with tiles of 1, 4.0 times as much.");
}
