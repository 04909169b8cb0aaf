// SPDX-License-Identifier: Apache-2.0
// Walking a study: which points, in which order, once each, for any number of threads, kept and continued.
#include "core/studies/run_study.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <stdexcept>

#include "core/io/error.hpp"
#include "precision/poll.hpp"
#include "tests/core/studies/toy.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using namespace ulpscope::studies;
using Catch::Matchers::Contains;

namespace {

std::vector<std::string> points_of(const Results& results) {
  std::vector<std::string> points;
  for (const Cell& cell : results.cells) points.push_back(cell.at.at("a") + cell.at.at("b"));
  return points;
}

}  // namespace

TEST_CASE("points come in the order of the axes, the last one fastest, for any number of threads") {
  const Study study = test::toy_study();
  WalkOptions options;
  options.values = {{"a", {"2", "1"}}};
  for (const unsigned threads : {1U, 2U, 5U}) {
    options.threads = threads;
    const Results results = run_study(study, options);
    CHECK(points_of(results) == std::vector<std::string>{"2x", "2y", "1x", "1y"});
    CHECK(results.complete);
    CHECK(results.cells[2].number("sum") == 1);
    CHECK(results.conclusion == std::vector<std::string>{"4 cells."});
  }
}

TEST_CASE("small, full and chosen values; a comma separates words unless the whole is a value") {
  const Study study = test::toy_study();
  WalkOptions options;
  CHECK(planned(study, options).walk.values == std::vector<std::vector<std::string>>{{"1"}, {"x", "y"}});
  options.extent = Extent::full;
  CHECK(planned(study, options).walk.values ==
        std::vector<std::vector<std::string>>{{"1", "2", "3"}, {"x", "y", "x,y"}});
  options.values = {{"a", {"4,5", "4"}}, {"b", {"x,y"}}};
  CHECK(planned(study, options).walk.values == std::vector<std::vector<std::string>>{{"4", "5"}, {"x,y"}});
}

TEST_CASE("an unknown axis or value is one sentence with the known ones") {
  const Study study = test::toy_study();
  const auto refused = [&](const std::string& axis, const std::string& value, const std::string& tells) {
    WalkOptions options;
    options.values = {{axis, {value}}};
    CHECK_THROWS_WITH(run_study(study, options), Contains(tells));
    CHECK_THROWS_AS(run_study(study, options), InputError);
  };
  refused("c", "1", "unknown axis 'c'; known: a b");
  refused("b", "z", "study toy: b: unknown value 'z'; known: x y");
  refused("a", "0", "study toy: a: '0' is not a count");
  refused("a", "1,,2", "study toy: a: '' is not a whole number; usual: 1 2 3");
}

TEST_CASE("a given problem has its own inputs: their axes are one value, its truth is computed once") {
  const Study study = test::toy_study();
  const auto small = test::small_problems().front().problem;
  WalkOptions options;
  options.subject.problem = &small;
  const Results results = run_study(study, options);
  CHECK(results.walk.values == std::vector<std::vector<std::string>>{{"given"}, {"x", "y"}});
  CHECK(results.walk.problem_sha256 == compressor::problem_sha256(small));
  CHECK(results.cells.front().word("truth") == "yes");
  options.values = {{"a", {"1"}}};
  CHECK_THROWS_WITH(run_study(study, options), Contains("a is how the study's own inputs are made"));
}

TEST_CASE("seeds give means with Student's interval, words with their counts") {
  Study study = test::toy_study();
  WalkOptions options;
  options.seeds = 3;
  options.subject.seed = 10;
  CHECK(run_study(study, options).cells.front().number("draw") == 10);  // chance does not enter
  study.random = true;
  const Cell cell = run_study(study, options).cells.front();
  CHECK(cell.number("draw") == 11);  // 10, 11, 12: deviation 1, t = 4.3027 at 2 degrees of freedom
  CHECK(!(std::abs(cell.number("draw_ci95") - 4.3027 / std::sqrt(3.0)) > 1e-4));
  CHECK(cell.word("parity") == "even (2), odd (1)");
  CHECK(cell.number("sum_ci95") == 0);
}

TEST_CASE("what is known is not measured again, and what was cut off was kept") {
  Study study = test::toy_study();
  WalkOptions options;
  options.extent = Extent::full;
  Results kept;
  options.keep = [&](const Results& so_far) { kept = so_far; };
  {
    std::size_t asked = 0;
    const precision::PollScope scope([&] {
      if (++asked == 4) throw std::runtime_error("interrupted");
    });
    CHECK_THROWS_WITH(run_study(study, options), "interrupted");
  }
  REQUIRE(!kept.cells.empty());
  REQUIRE(kept.cells.size() < 9);
  CHECK(!kept.complete);
  CHECK(kept.conclusion.empty());

  options.known = kept.cells;
  const std::size_t before = kept.cells.size();
  test::toy_calls = 0;
  const Results whole = run_study(study, options);
  CHECK(whole.cells.size() == 9);
  CHECK(test::toy_calls == 9 - before);
  CHECK(kept.complete);
}

TEST_CASE("a walk that goes on never keeps less than it was given, whenever it is cut off again") {
  const Study study = test::toy_study();
  WalkOptions options;
  options.extent = Extent::full;
  const Results whole = run_study(study, options);
  for (const std::size_t i : {0, 1, 2, 4, 5, 7, 8}) options.known.push_back(whole.cells[i]);
  std::size_t least = whole.cells.size();
  options.keep = [&](const Results& so_far) { least = std::min(least, so_far.cells.size()); };
  run_study(study, options);
  CHECK(least >= 7);
  {
    const precision::PollScope scope([] { throw std::runtime_error("interrupted"); });
    CHECK_THROWS_WITH(run_study(study, options), "interrupted");
  }
  CHECK(least >= 7);
}

TEST_CASE("a study that forgets a measure, or has one more, is an error of the program") {
  Study study = test::toy_study();
  study.measures.pop_back();
  CHECK_THROWS_AS(run_study(study, {}), std::logic_error);
  study = test::toy_study();
  study.measures.push_back({"another", ""});
  CHECK_THROWS_AS(run_study(study, {}), std::logic_error);
}

TEST_CASE("every study walks its small form on its own inputs and on a problem, and concludes") {
  const auto small = test::small_problems().back().problem;  // with every stage
  for (const Study& study : all_studies()) {
    for (const auto* problem : {static_cast<const compressor::Problem*>(nullptr), &small}) {
      INFO(study.name << (problem == nullptr ? "" : " on a problem"));
      WalkOptions options;
      options.threads = 2;
      options.subject.problem = problem;
      const Results results = run_study(study, options);
      CHECK(!results.cells.empty());
      CHECK(!results.conclusion.empty());
      CHECK(std::any_of(results.cells.begin(), results.cells.end(), [](const Cell& cell) { return !cell.skipped(); }));
    }
  }
}
