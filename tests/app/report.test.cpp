// SPDX-License-Identifier: Apache-2.0
// Reports and comparisons in every tier of truth: what they say of it, and what they leave undecided.
#include <cmath>

#include "app/execute.hpp"
#include "app/verbs.hpp"
#include "core/compressor/problem.hpp"
#include "core/compressor/run.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/golden.hpp"

using namespace ulpscope;
using compressor::forward;
using compressor::Name;
using compressor::Problem;
using io::Json;

namespace {

std::shared_ptr<const Problem> shared(Problem problem) { return std::make_shared<const Problem>(std::move(problem)); }

Json report_of(const std::shared_ptr<const Problem>& problem, const std::string& tier,
               const std::string& recipe = "hf") {
  app::ReportOptions options;
  options.problems = {problem};
  options.recipes = {recipe};
  options.truth = tier;
  return app::report(options).report["runs"][0];
}

const Json& row_of(const Json& run, const std::string& slot) {
  for (const Json& row : run["rows"]) {
    if (row["slot"] == slot) return row;
  }
  throw std::runtime_error("no row " + slot);
}

/// csa-tiny with one token value changed.
Problem with_first_hidden(double value) {
  Problem problem = test::golden_problem("csa-tiny");
  std::vector<double> values = to_doubles(problem.input(Name::hidden));
  values[0] = value;
  problem.inputs[Name::hidden] = {problem.input(Name::hidden).shape, std::move(values), io::DType::f64};
  return problem;
}

}  // namespace

TEST_CASE("a report names its truth's tier and bits, the largest radius, and what is undecided") {
  const auto problem = shared(test::golden_problem("csa-small"));
  const Json plain = report_of(problem, "fp64");
  CHECK(plain["truth"]["max_radius"].is_null());
  CHECK(plain["truth"]["undecided"].is_null());
  for (const auto& [tier, bits] : {std::pair{"certified", 106}, std::pair{"mpfr", 266}}) {
    const Json run = report_of(problem, tier);
    INFO(tier);
    CHECK(run["truth"]["tier"] == tier);
    CHECK(run["truth"]["bits"] == bits);
    CHECK(run["truth"]["undecided"] == 0);
    const double radius = run["truth"]["max_radius"];
    CHECK(radius > 0);
    CHECK(radius < 1e-24);
    std::size_t measured = 0;
    for (const Json& row : run["rows"]) {
      const Json& known = row_of(plain, row["slot"]);
      CHECK(row["status"] == known["status"]);
      if (row["error"].is_null() || row["error"]["rms_rel"] == "nan") continue;
      ++measured;
      // fp64 is itself off by some 1e-16 of the truth; bf16 by 1e-3.
      CHECK(std::fabs(row["error"]["rms_rel"].get<double>() - known["error"]["rms_rel"].get<double>()) < 1e-12);
    }
    CHECK(measured >= 25);
  }
}

TEST_CASE("what is positive below every format counts as underflow where a run has 0") {
  Problem problem = test::golden_problem("csa-tiny");
  const Json run = report_of(shared(std::move(problem)), "certified", "pr3810");
  CHECK(run["truth"]["undecided"] == 0);
  CHECK(row_of(run, "weights")["status"] == "ok");
  CHECK(row_of(run, "exp")["classes"]["underflowed"] == 32);  // pads of -9984: 4 slots, 8 channels
}

TEST_CASE("rows whose truth overflows are undecided, with the reason, and the others are judged") {
  const auto problem = shared(with_first_hidden(1.7e308));
  app::ReportOptions options;
  options.problems = {problem};
  options.recipes = {"fp64"};
  options.edits.settings = {"inputs.w_kv=fp64"};
  options.truth = "certified";
  options.fail_on = {"undecided"};
  Problem doubled = *problem;
  std::vector<double> weights = to_doubles(doubled.input(Name::w_kv));
  weights[0] = 3;
  doubled.inputs[Name::w_kv] = {doubled.input(Name::w_kv).shape, std::move(weights), io::DType::f64};
  options.problems = {shared(std::move(doubled))};
  const app::Outcome outcome = app::report(options);
  const Json& run = outcome.report["runs"][0];
  const Json& kv = row_of(run, "kv");
  CHECK(kv["status"] == "undecided");
  CHECK(kv["error"].is_null());
  CHECK(kv["reason"].get<std::string>().find("overflow") != std::string::npos);
  CHECK(row_of(run, "rope_cos")["status"] == "ok");
  CHECK(run["truth"]["undecided"].get<std::uint64_t>() > 0);
  CHECK(outcome.exit == 3);
}

TEST_CASE("a NaN among the inputs is a class that every tier decides") {
  const auto problem = shared(with_first_hidden(std::nan("")));
  for (const char* tier : {"fp64", "certified", "mpfr"}) {
    const Json run = report_of(problem, tier, "fp32");
    INFO(tier);
    CHECK(row_of(run, "kv")["classes"]["nan"] == 16);
    CHECK(row_of(run, "kv")["classes"]["class_mismatch"] == 0);
    CHECK(row_of(run, "kv")["status"] == "ok");
  }
}

TEST_CASE("a tolerance passes, fails, or is left open by the truth's radius") {
  const Problem problem = test::golden_problem("csa-small");
  app::CompareOptions options;
  options.problem = shared(problem);
  options.dump = test::golden_path("csa-small.fp64");
  options.truth = "certified";
  options.tolerance.atol = 1e-12;
  CHECK(app::compare(options).exit == 0);
  options.tolerance.atol = 1e-18;
  CHECK(app::compare(options).exit == 1);
  options.truth = "sure";
  CHECK_THROWS_WITH(app::compare(options), Catch::Matchers::Contains("fp64 mpfr certified"));
}

TEST_CASE(
    "against a truth finer than double, double's own roundings show: half an ulp each, no run nearer than its floor") {
  const auto problem = shared(test::golden_problem("csa-small"));
  const Json run = report_of(problem, "certified", "fp64");
  for (const char* slot : {"products", "normed", "biased"}) {
    INFO(slot);
    const Json& row = row_of(run, slot);
    // biased adds numbers of 8 and 24 bits, which double holds.
    const bool rounds = slot != std::string("biased");
    CHECK((row["local"]["max_ulp"].get<double>() > .4) == rounds);
    CHECK(row["local"]["max_ulp"].get<double>() <= .5);
    CHECK((row["error"]["max_ulp"].get<double>() > .4) == rounds);
    CHECK(row["vs_floor"].is_null() == !rounds);
    if (rounds) CHECK(row["vs_floor"].get<double>() >= 1);
  }
  CHECK(row_of(report_of(problem, "fp64", "fp64"), "products")["local"]["max_ulp"] == 0);
}

TEST_CASE("rows of decoding in chunks are judged by a finer truth and its radius too") {
  const Problem problem = test::golden_problem("csa-small");
  const compressor::Recipe recipe = compressor::load_recipe("fp64");
  const std::vector<std::size_t> chunks{problem.config.seq};
  const app::Maker maker{problem, recipe, chunks};
  app::ExecuteOptions decode;
  decode.chunks = chunks;
  app::CompareOptions options;
  options.problem = shared(problem);
  const auto tensors = std::make_shared<app::NamedTensors>(
      app::NamedTensors{app::dump_of(app::execute(problem, recipe, decode), maker), "decoded"});
  options.dump = std::shared_ptr<const app::NamedTensors>(tensors);
  options.truth = "certified";
  options.tolerance.rtol = 1e-9;
  const app::Outcome outcome = app::compare(options);
  const Json& run = outcome.report["runs"][0];
  const Json* entry = nullptr;
  for (const Json& row : run["rows"]) {
    if (row["slot"] == "entries.00") entry = &row;
  }
  REQUIRE(entry != nullptr);
  CHECK((*entry)["status"] == "ok");
  const double off = (*entry)["error"]["max_abs"].get<double>();
  CHECK(off > 0);
  // With the largest difference as the tolerance, its element passes or not by less than double knows of the truth.
  options.tolerance.rtol.reset();
  options.tolerance.atol = off;
  CHECK(app::compare(options).exit == 3);
  options.tolerance.atol = off / 2;
  CHECK(app::compare(options).exit == 1);
}
