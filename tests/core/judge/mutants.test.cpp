// SPDX-License-Identifier: Apache-2.0
// Mutants: each is refused at its stage, claims what it breaks, and says what it needs.
#include "core/judge/mutants.hpp"

#include <set>

#include "core/compressor/graph.hpp"
#include "core/io/error.hpp"
#include "core/judge/compare.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;

namespace {

/// Has everything that a mutant may need.
Problem problem_for_all() {
  Problem problem = make_problem(test::small_config(Mode::csa), {});
  test::add_mask_and_segments(problem);
  return problem;
}

Recipe recipe_for_all() { return test::with_settings(load_recipe("fp32"), {"mask=pad", "segments=strict"}); }

/// What a port keeps: no tables.
judge::Dump kept_of(const Tape& tape) {
  judge::Dump dump;
  for (const auto& [slot, record] : tape.records()) {
    if (level_of(slot) != Level::table) dump.tape.set(slot, record.tensor, record.format);
  }
  dump.source = "a port";
  return dump;
}

judge::RunReport judged(const Problem& problem, const Recipe& recipe, const Tape& tape) {
  judge::Truth truth;
  truth.recipe = judge::truth_recipe(recipe, problem.config, judge::Basis::quantized);
  truth.tape = run_traced(problem, truth.recipe, {}).tape;
  return judge::compare(problem, kept_of(tape), {recipe, truth}, {});
}

}  // namespace

TEST_CASE("the same dump without a mutant passes, and every mutant is refused at its stage") {
  const Problem problem = problem_for_all();
  const Recipe recipe = recipe_for_all();
  CHECK(judge::exit_code(judged(problem, recipe, run_traced(problem, recipe, {}).tape)) == 0);
  for (const judge::Mutant& mutant : judge::mutants()) {
    INFO(mutant.name);
    const Run run = judge::run_mutant(problem, recipe, mutant, {});
    CHECK(run.config == problem.config);
    CHECK(run.recipe.name == recipe.name);
    const judge::RunReport report = judged(problem, recipe, run.tape);
    CHECK(judge::exit_code(report) == 1);
    REQUIRE(report.verdict);
    CHECK(report.verdict->stage == to_string(mutant.stage));
  }
}

TEST_CASE("mutants have names of their own, and unknown ones are answered with all of them") {
  std::set<std::string_view> names;
  for (const judge::Mutant& mutant : judge::mutants()) {
    CHECK(names.insert(mutant.name).second);
    CHECK(judge::mutant_named(mutant.name).about == mutant.about);
    CHECK_FALSE(mutant.about.empty());
  }
  CHECK(names.size() >= 20);
  CHECK_THROWS_WITH(judge::mutant_named("pads"), Catch::Matchers::Contains("pad_gate_0"));
}

TEST_CASE("a mutant without a place says what the problem lacks") {
  Config config = test::small_config(Mode::hca);
  config.rope.reset();
  config.norm = false;
  const Problem problem = make_problem(config, {});
  for (const auto& [name, lacking] : {std::pair{"halves_swapped", "overlapping windows"},
                                      {"no_yarn", "YaRN"},
                                      {"rope_at_index", "RoPE"},
                                      {"mask_ignored", "attention_mask"},
                                      {"large_eps", "norm"},
                                      {"segments_ignored", "segment_ids"}}) {
    CHECK_THROWS_WITH(judge::run_mutant(problem, load_recipe("fp32"), judge::mutant_named(name), {}),
                      Catch::Matchers::Contains(std::string("has no ") + lacking));
  }
}
