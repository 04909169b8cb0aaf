// SPDX-License-Identifier: Apache-2.0
// compare --save-case: files that fail by themselves, whether one window or all of it.
#include "app/save_case.hpp"

#include <filesystem>

#include "app/verbs.hpp"
#include "core/compressor/problem.hpp"
#include "core/io/atomic_file.hpp"
#include "core/io/error.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/temp_dir.hpp"

using namespace ulpscope;
using Catch::Matchers::Contains;

namespace {

app::CompareOptions options_for(const std::string& dump, const std::string& recipe) {
  app::CompareOptions options;
  options.problem = test::golden_path("csa-small.problem");
  options.dump = test::golden_path("csa-small." + dump);
  options.recipe = recipe;
  return options;
}

app::Outcome compared_again(const std::string& stem, const std::string& recipe) {
  app::CompareOptions options;
  options.problem = stem + ".problem.safetensors";
  options.dump = stem + ".dump.safetensors";
  options.recipe = recipe;
  return app::compare(options);
}

}  // namespace

TEST_CASE("a bug in one window is saved as that window, with a command line") {
  const test::TempDir folder;
  const std::string stem = (folder.path() / "bug's case").string();
  app::CompareOptions options = options_for("mutant-pad-gate-0", "fp32");
  options.save_case = stem;
  const app::Outcome outcome = app::compare(options);
  CHECK(outcome.exit == 1);
  CHECK_THAT(outcome.report["summary"].back().get<std::string>(),
             Contains("hold window 0 of batch row 0, which fails in the same way"));
  const compressor::Problem problem = compressor::read_problem(stem + ".problem.safetensors");
  CHECK(problem.config.seq == 4);
  CHECK(problem.config.batch == 1);
  const app::Outcome again = compared_again(stem, "fp32");
  CHECK(again.exit == 1);
  CHECK(again.report["runs"][0]["verdict"]["slot"] == outcome.report["runs"][0]["verdict"]["slot"]);
  CHECK_THAT(io::read_text(stem + ".sh"), Contains("compare 'bug'\\''s case.problem.safetensors'"));
}

TEST_CASE("a recipe that is not built in goes with the case") {
  const test::TempDir folder;
  const std::string stem = (folder.path() / "case").string();
  app::CompareOptions options = options_for("mutant-pad-gate-0", "fp32");
  options.edits.settings = {"pool.summation=pairwise"};
  options.save_case = stem;
  CHECK(app::compare(options).exit == 1);
  CHECK(compared_again(stem, stem + ".recipe.json").exit == 1);
}

TEST_CASE("where nothing fails nothing is written, and without a recipe there is no case") {
  const test::TempDir folder;
  const std::string stem = (folder.path() / "case").string();
  app::CompareOptions options = options_for("hf-bf16", "hf");
  options.save_case = stem;
  const app::Outcome outcome = app::compare(options);
  CHECK(outcome.exit == 0);
  CHECK(outcome.report["summary"].back() == "Nothing fails, so no case was written.");
  CHECK(std::filesystem::is_empty(folder.path()));
  options = options_for("pr3810-fp32-eager", "fp32");
  options.recipe.reset();
  options.tolerance.rtol = 1e-12;
  options.save_case = stem;
  CHECK_THROWS_AS(app::compare(options), InputError);
}
