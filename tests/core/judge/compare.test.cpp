// SPDX-License-Identifier: Apache-2.0
// Comparing dumps: own runs have their recipe's bits, planted faults are refused where they stand, tolerances are
// numpy's.
#include "core/judge/compare.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/io/error.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using judge::Status;

TEST_CASE("a run of ours has the bits of its own recipe in every slot, forward and backward") {
  for (const char* problem_name : {"csa-tiny", "hca-tiny"}) {
    const auto problem = test::golden_problem(problem_name);
    for (const char* name : {"fp64", "fp32", "hf", "pr3810", "maxtext", "bf16-pure", "sglang-online-bf16"}) {
      const auto recipe = compressor::load_recipe(name);
      const auto report = test::judged(problem, test::own_dump(problem, recipe), recipe);
      for (const judge::Row& row : report.rows) {
        INFO(problem_name << " " << name << " " << compressor::to_string(row.slot) << " " << row.reason);
        if (row.status == Status::absent) continue;
        CHECK(row.status == Status::ok);
        REQUIRE(row.replay);
        CHECK(row.replay->bits_equal == 1);
        CHECK(row.replay->explained == 1);
        CHECK(row.replay->max_ulp == 0);
      }
      CHECK_FALSE(report.verdict);
    }
  }
}

TEST_CASE("one changed element is refused in its slot and nowhere else") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto recipe = compressor::load_recipe("fp32");
  for (const char* slot : {"logits", "pooled", "normed", "grad.weights", "grad.kv"}) {
    auto dump = test::own_dump(problem, recipe);
    auto values = test::values_of(dump, slot);
    const std::size_t index = values.size() - 1;
    values[index] = 2 * values[index] + 1;
    // What depends on the slot is kept consistent with it: only this slot is wrong.
    test::keep_only(dump, {slot});
    test::set_values(dump, slot, values);
    const auto report = test::judged(problem, dump, recipe);

    REQUIRE(report.verdict);
    CHECK(compressor::to_string(report.verdict->slot) == slot);
    CHECK(report.verdict->index == index);
    CHECK(report.verdict->dump == values[index]);
    CHECK_FALSE(report.verdict->sentence.empty());
    CHECK(judge::exit_code(report) == 1);
  }
}

TEST_CASE("the order of a sum is free, two ulps of a product are not") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto sequential = compressor::load_recipe("fp32");
  const auto pairwise = compressor::with_setting(compressor::with_setting(sequential, "pool.summation=pairwise"),
                                                 "project_kv.summation=pairwise");
  const auto report = test::judged(problem, test::own_dump(problem, pairwise), sequential);
  for (const judge::Row& row : report.rows) {
    INFO(compressor::to_string(row.slot) << " " << row.reason);
    CHECK(row.status != Status::fail);
  }
  CHECK(test::row_named(report, "kv").replay->bits_equal < 1);

  auto dump = test::own_dump(problem, sequential);
  auto values = test::values_of(dump, "products");
  for (double& value : values) value = std::nextafter(std::nextafter(static_cast<float>(value), 9e9F), 9e9F);
  test::set_values(dump, "products", values);
  CHECK(test::row_named(test::judged(problem, dump, sequential), "products").status == Status::fail);
}

TEST_CASE("a wrong recipe is refused where its casts differ") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto report =
      test::judged(problem, test::own_dump(problem, compressor::load_recipe("hf")), compressor::load_recipe("hf-fp32"));

  REQUIRE(report.verdict);
  CHECK(report.verdict->diagnosis == "coarse_storage");
  CHECK(report.verdict->sentence.find("bf16") != std::string::npos);
}

TEST_CASE("a NaN that the replay does not have fails, one that it has too passes") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto recipe = compressor::load_recipe("fp32");
  auto dump = test::own_dump(problem, recipe);
  test::keep_only(dump, {"kv", "gate", "values", "logits", "weights", "pooled"});
  auto values = test::values_of(dump, "values");
  values.back() = std::numeric_limits<double>::quiet_NaN();
  test::set_values(dump, "values", values);
  auto pooled = test::values_of(dump, "pooled");
  pooled.back() = std::numeric_limits<double>::quiet_NaN();
  test::set_values(dump, "pooled", pooled);

  const auto report = test::judged(problem, dump, recipe);

  CHECK(test::row_named(report, "values").status == Status::fail);
  CHECK(test::row_named(report, "pooled").status == Status::ok);
  REQUIRE(report.verdict);
  CHECK(report.verdict->diagnosis == "nonfinite");
}

TEST_CASE("a tolerance is judged against the truth as numpy does, and names what would pass") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto recipe = compressor::load_recipe("hf-fp32");
  const auto dump = test::golden_dump("csa-tiny.hf-bf16", problem);
  judge::CompareOptions options;
  options.tolerance = judge::Tolerance{.rtol = 0.1, .atol = 0.1};
  CHECK(judge::exit_code(test::judged(problem, dump, recipe, options)) == 0);

  options.tolerance = judge::Tolerance{.rtol = 1e-5, .atol = 1e-5};
  const auto report = test::judged(problem, dump, recipe, options);
  CHECK(judge::exit_code(report) == 1);
  REQUIRE(report.verdict);
  CHECK(report.verdict->diagnosis == "tolerance");

  const auto minimum = test::row_named(report, "pooled").metrics->minimum;
  options.tolerance = judge::Tolerance{.rtol = minimum.rtol};
  options.slots = "pooled";
  CHECK(judge::exit_code(test::judged(problem, dump, recipe, options)) == 0);
}

TEST_CASE("without recipe and tolerance a dump that agrees in classes is undecided") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto report = test::judged(problem, test::golden_dump("csa-tiny.hf-fp32", problem), std::nullopt);
  CHECK(judge::exit_code(report) == 3);
}

TEST_CASE("a dump with its own config is judged by it, and one with whole windows only by the rows it has") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto dump = test::golden_dump("csa-tiny.pr3810-fp32-eager", problem);
  REQUIRE(dump.config);
  CHECK_FALSE(dump.config->rope);
  CHECK(dump.partial.size() == 2);

  const auto report = test::judged(problem, dump, compressor::load_recipe("fp32"));
  CHECK(test::row_named(report, "kv").shape == compressor::Shape{1, 12, 16});
  CHECK(test::row_named(report, "kv").metrics->rms_rel < 1e-6);
  CHECK(test::row_named(report, "output").metrics->rms_rel < 1e-6);
  CHECK_FALSE(report.notes.empty());
}

TEST_CASE("a slot that is held finer than its recipe stores it passes within the ulp, and a note says so") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto hf = compressor::load_recipe("hf");
  auto dump = test::own_dump(problem, hf);
  CHECK(test::judged(problem, dump, hf).notes.empty());
  auto values = test::values_of(dump, "pooled");
  for (double& value : values) value *= 1 + 0x1p-12;
  test::set_values(dump, "pooled", values);
  test::keep_only(dump, {"weights", "products", "pooled"});
  const auto report = test::judged(problem, dump, hf);
  CHECK(judge::exit_code(report) == 0);
  REQUIRE(report.notes.size() == 1);
  CHECK_THAT(report.notes.front(), Catch::Matchers::Contains("pooled is held unrounded") &&
                                       Catch::Matchers::Contains("are no numbers of bf16, the recipe's format"));
}

TEST_CASE("slots that the dump does not hold are absent rows, slots that the recipe lacks are skipped ones") {
  const auto problem = test::golden_problem("csa-tiny");
  auto dump = test::own_dump(problem, compressor::load_recipe("fp32"));
  test::keep_only(dump, {"rotated", "output"});
  const auto report =
      test::judged(problem, dump, compressor::with_setting(compressor::load_recipe("fp32"), "omit=rotate"));
  CHECK(test::row_named(report, "logits").status == Status::absent);
  CHECK(test::row_named(report, "logits").reason == "not in the dump");
  CHECK(test::row_named(report, "rotated").status == Status::skipped);
}

TEST_CASE("two dumps differ by bits, or by a tolerance") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto a = test::golden_dump("csa-tiny.hf-fp32", problem);
  const auto b = test::golden_dump("csa-tiny.hf-bf16", problem);

  CHECK(judge::exit_code(judge::diff(problem, a, a, {})) == 0);
  CHECK(judge::exit_code(judge::diff(problem, a, b, {})) == 1);
  judge::CompareOptions options;
  options.tolerance = judge::Tolerance{.rtol = 0.1, .atol = 0.1};
  CHECK(judge::exit_code(judge::diff(problem, a, b, options)) == 0);
}

TEST_CASE("a slot that one of two dumps lacks is a difference") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto whole = test::golden_dump("csa-tiny.hf-fp32", problem);
  auto part = whole;
  test::keep_only(part, {"kv", "pooled"});
  const auto report = judge::diff(problem, part, whole, {});
  CHECK(judge::exit_code(report) == 1);
  CHECK(test::row_named(report, "kv").status == Status::ok);
  CHECK(test::row_named(report, "logits").status == Status::fail);
  CHECK(test::row_named(report, "logits").reason == "only csa-tiny.hf-fp32 holds it");
  judge::CompareOptions options;
  options.slots = "kv|pooled";
  CHECK(judge::exit_code(judge::diff(problem, part, whole, options)) == 0);
  options.slots = "nothing";
  CHECK_THROWS_AS(judge::diff(problem, part, whole, options), InputError);
}

TEST_CASE("slots that no recipe writes are absent rows with a reason, gradients included") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto recipe = compressor::load_recipe("fp32");
  const auto report = test::judged(problem, test::own_dump(problem, recipe), recipe);
  for (const char* slot : {"grad.row_max", "grad.shifted", "grad.exp", "grad.denominator", "grad.log_denominator",
                           "grad.softmax", "grad.mean_square", "log_denominator", "padded_gate", "grad.padded_gate",
                           "grad.prior_kv", "hadamard", "grad.quantized"}) {
    INFO(slot);
    CHECK(test::row_named(report, slot).status == Status::absent);
    CHECK_FALSE(test::row_named(report, slot).reason.empty());
  }
  const auto described =
      judge::measure_run(problem, compressor::run_traced(problem, recipe, {}), test::truth_of(problem, recipe), 1);
  CHECK(test::row_named(described, "grad.softmax").reason ==
        "inside the softmax's VJP, which gives grad.logits at once");
  for (std::size_t i = 0; i < compressor::name_count; ++i) {
    const auto name = static_cast<compressor::Name>(i);
    for (const auto slot : {compressor::forward(name), compressor::gradient(name)}) {
      const bool input = slot.direction == compressor::Direction::forward && compressor::is_input(name);
      if (input || !compressor::find_slot(compressor::to_string(slot))) continue;
      INFO(compressor::to_string(slot));
      CHECK_NOTHROW(test::row_named(described, compressor::to_string(slot)));
    }
  }
}

TEST_CASE("without a recipe the stages that the truth leaves out are skipped") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto dump = test::golden_dump("csa-tiny.hf-fp32", problem);
  auto truth = test::truth_of(problem, std::nullopt);
  truth.recipe = compressor::with_setting(truth.recipe, "omit=rotate");
  truth.tape = compressor::run_traced(problem, truth.recipe, {}).tape;
  const auto report = judge::compare(problem, dump, {std::nullopt, truth}, {});
  CHECK(test::row_named(report, "rotated").status == Status::skipped);
  CHECK(test::row_named(report, "output").metrics->rms_rel > 0.1);  // the dump's output is rotated
}

TEST_CASE("where one dump holds whole windows only, both are cut to the rows they share") {
  const auto problem = test::golden_problem("csa-tiny");  // S = 13, ratio 4
  const auto slot = compressor::forward(compressor::Name::kv);
  auto whole = test::own_dump(problem, compressor::load_recipe("fp32"));
  auto part = whole;
  test::keep_only(part, {"kv"});
  part.partial[slot] = {1, 12, 16};
  auto values = test::values_of(part, "kv");
  std::fill(values.begin() + 12 * 16, values.end(), 0);
  test::set_values(part, "kv", values);

  judge::CompareOptions options;
  options.slots = "kv";
  for (const auto& [a, b] : {std::pair{&part, &whole}, std::pair{&whole, &part}, std::pair{&part, &part}}) {
    const auto row = test::row_named(judge::diff(problem, *a, *b, options), "kv");
    CHECK(row.status == Status::ok);
    CHECK(row.shape == compressor::Shape{1, 12, 16});
    CHECK(row.metrics->count == 12 * 16);
  }
  values[5] += 1;
  test::set_values(part, "kv", values);
  CHECK(test::row_named(judge::diff(problem, whole, part, options), "kv").reason == "1 of 192 elements differ");
}

TEST_CASE("two dumps differ in tensors that are no slots, too, and the first difference is told with both values") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto a = test::golden_dump("csa-tiny.hf-fp32", problem);
  auto b = a;
  auto with_extra = a;
  with_extra.others["entries.00"] = io::from_values(std::vector<double>{1, 2, 3, 4}, {2, 2}, io::DType::f32);
  b.others["entries.00"] = io::from_values(std::vector<double>{1, 2, 3, 5}, {2, 2}, io::DType::f32);
  CHECK(judge::exit_code(judge::diff(problem, with_extra, with_extra, {})) == 0);
  CHECK(judge::exit_code(judge::diff(problem, a, with_extra, {})) == 1);

  const auto report = judge::diff(problem, with_extra, b, {});
  CHECK(judge::exit_code(report) == 1);
  REQUIRE(report.verdict);
  CHECK(judge::name_of(*report.verdict) == "entries.00");
  CHECK(report.verdict->index == 3);
  CHECK(report.verdict->dump == 4);
  CHECK(report.verdict->expected == 5);
  judge::CompareOptions options;
  options.tolerance = judge::Tolerance{.atol = 1};
  CHECK(judge::exit_code(judge::diff(problem, with_extra, b, options)) == 0);
  for (const judge::Row& row : report.rows) CHECK(row.reason.find("truth") == std::string::npos);
}

TEST_CASE("a row without a finite pair is not ok unless its classes agree") {
  auto problem = test::golden_problem("csa-tiny");
  const auto recipe = compressor::with_setting(compressor::load_recipe("fp32"), "scale.storage=e4m3fn");
  auto& gamma = problem.inputs[compressor::Name::gamma];
  gamma = {gamma.shape, std::vector<double>(gamma.size(), 1e30), io::DType::f64};  // NaN in e4m3fn, finite in truth
  const auto row = test::row_named(test::judged(problem, test::own_dump(problem, recipe), recipe), "normed");
  CHECK(row.metrics->compared == 0);
  CHECK(row.status == Status::undecided);
}

TEST_CASE("a regular expression that keeps no slot is an error") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto dump = test::golden_dump("csa-tiny.hf-fp32", problem);
  judge::CompareOptions options;
  options.slots = "nothing";
  CHECK_THROWS_AS(test::judged(problem, dump, compressor::load_recipe("fp32"), options), InputError);
}
