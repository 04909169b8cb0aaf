// SPDX-License-Identifier: Apache-2.0
// Study quantize: a pad inside a block sets its scale; rules that are the native one change nothing.
#include <cmath>

#include "core/compressor/run.hpp"
#include "core/studies/run_study.hpp"
#include "core/studies/selection.hpp"
#include "tests/core/studies/measured.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using compressor::forward;
using compressor::Name;
using test::measured;
using test::number;

namespace {

/// A block of 32 that holds `pad` and 31 times x: what becomes of x.
double beside(double pad, double x, const std::string& format) {
  compressor::Config config;
  config.ratio = 1;
  config.seq = 1;
  config.hidden = 1;
  config.head_dim = 32;
  config.norm = false;
  config.quantize = compressor::Quantize{format, 32, 0};
  std::vector<double> block(32, x);
  block[7] = pad;
  compressor::Tape given;
  given.set(forward(Name::pooled), {{1, 1, 32}, std::move(block), io::DType::f64}, precision::parse_format("fp64"));
  const compressor::Slot wanted = forward(Name::quantized);
  return run_from(make_problem(config, {}), compressor::load_recipe("fp32"), {given, {wanted}}, {})
      .tape.find(wanted)
      ->tensor.at(31);
}

}  // namespace

TEST_CASE("a pad of -1e4 inside a block makes small values 0: the largest that vanish, and the next float") {
  struct Case {
    const char* format;
    double largest;  ///< that becomes 0: half of the smallest element times the scale
    double quantum;  ///< smallest element times the scale
  };
  for (const Case& each :
       {Case{"e4m3fn", 0.03125, 0.0625}, Case{"e2m1", 512, 1024}, Case{"e2m3", 128, 256}, Case{"e3m2", 16, 32}}) {
    INFO(each.format);
    CHECK(beside(-1e4, each.largest, each.format) == 0);
    CHECK(beside(-1e4, std::nextafter(static_cast<float>(each.largest), 1e9F), each.format) == each.quantum);
    CHECK(beside(1, each.largest / 1024, each.format) != 0);
  }
}

TEST_CASE("an infinite pad makes its whole block NaN") {
  for (const char* format : {"e4m3fn", "e2m1"}) CHECK(std::isnan(beside(-INFINITY, 1, format)));
  const io::Json measures = measured("quantize", {{"poison", "inf"}});
  CHECK(number(measures, "nonfinite") == 1);
  CHECK(number(measured("quantize", {{"poison", "none"}}), "nonfinite") == 0);
}

TEST_CASE("the native rule changes no value, another scale rule most, another tie rule few") {
  const auto changed = [](const test::Values& at) { return number(measured("quantize", at), "changed"); };
  CHECK(changed({{"format", "e2m1"}}) == 0);
  CHECK(changed({{"format", "e2m1"}, {"scale", "linear"}}) > 0.5);
  // bf16 values of a Hadamard transform meet ties often.
  const test::Values even{{"format", "e2m1"}, {"hadamard", "bf16"}};
  test::Values away = even;
  away["ties"] = "away";
  CHECK(number(measured("quantize", even), "error") != number(measured("quantize", away), "error"));
}

TEST_CASE("more bits and smaller blocks lose less, and select less otherwise") {
  const auto measures = [](const char* format, const char* block) {
    return measured("quantize", {{"format", format}, {"block", block}});
  };
  CHECK(number(measures("e4m3fn", "32"), "error") < number(measures("e2m1", "32"), "error") / 3);
  CHECK(number(measures("e4m3fn", "32"), "flips") < number(measures("e2m1", "32"), "flips"));
  CHECK(number(measures("e2m1", "16"), "error") < number(measures("e2m1", "128"), "error"));
}

TEST_CASE("blocks that do not divide the width are left out, and so is a transform of another width") {
  const compressor::Problem problem = make_problem(test::small_config(compressor::Mode::csa), {});  // 24 channels
  studies::Subject subject;
  subject.problem = &problem;
  CHECK(measured("quantize", {{"block", "32"}}, subject).contains("skipped"));
  CHECK(measured("quantize", {{"block", "8"}, {"hadamard", "fp32"}}, subject).contains("skipped"));
  CHECK_FALSE(measured("quantize", {{"block", "8"}}, subject).contains("skipped"));
}

TEST_CASE("the same entries are selected the same, negated ones not at all") {
  const compressor::Tensor entries = test::random_tensor({2, 16, 8}, 3);
  CHECK(studies::selection_flips(entries, entries, 1) == 0);
  std::vector<double> negative = to_doubles(entries);
  for (double& value : negative) value = -value;
  const compressor::Tensor negated{entries.shape, std::move(negative), io::DType::f64};
  CHECK(studies::selection_flips(negated, entries, 1) == 1);
}

TEST_CASE("a block that is all poison is left out; where all points select alike, one is named") {
  CHECK(measured("quantize", {{"format", "e4m3fn"}, {"block", "1"}, {"poison", "-1e4"}}).contains("skipped"));
  const auto concluded = [](const char* format, const char* block) {
    studies::WalkOptions options;
    options.values = {{"format", {format}}, {"block", {block}}, {"hadamard", {"off"}}, {"poison", {"none"}}};
    return run_study(studies::study_named("quantize"), options).conclusion.front();
  };
  CHECK_THAT(
      concluded("fp32", "128"),
      Catch::Matchers::StartsWith("Of the selected entries change: fp32 0% (block 128, scale pow2_ceil, ties even, "
                                  "hadamard off; error ") &&
          Catch::Matchers::EndsWith(")."));
  CHECK(concluded("fp32", "128").find(" to ") == std::string::npos);
  CHECK(concluded("e4m3fn", "7") ==
        "Nothing was quantised: the width is no multiple of the block, or no power of two.");
}
