// SPDX-License-Identifier: Apache-2.0
// Study norm: eps / (ms + eps) of a scale error passes; the norm of ones, of 16s and of zeros in narrow formats.
#include <cmath>

#include "core/compressor/run.hpp"
#include "core/studies/errors.hpp"
#include "core/studies/run_study.hpp"
#include "tests/core/studies/measured.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using compressor::forward;
using compressor::gradient;
using compressor::Name;
using test::measured;
using test::number;

namespace {

/// One window of `channels` channels with a norm, and nothing after it.
compressor::Problem one_entry(std::size_t channels) {
  compressor::Config config;
  config.ratio = 2;
  config.seq = 2;
  config.hidden = 1;
  config.head_dim = channels;
  return make_problem(config, {});
}

compressor::Recipe in_format(const std::string& format, const std::string& summation = "sequential") {
  compressor::Recipe recipe = compressor::load_recipe("fp32");
  for (const char* role : {"compute", "accumulate", "storage"}) recipe = studies::with_everywhere(recipe, role, format);
  return with_setting(recipe, "normalize.summation=" + summation);
}

/// Slot `wanted` of an entry whose 512 values are all x, under a cotangent of ones.
double flat(double x, const compressor::Recipe& recipe, compressor::Slot wanted) {
  const compressor::Problem problem = one_entry(512);
  const compressor::Shape shape{1, 1, 512};
  const auto fp64 = precision::parse_format("fp64");
  compressor::Tape given;
  given.set(forward(Name::pooled), {shape, std::vector<double>(512, x), io::DType::f64}, fp64);
  given.set(gradient(Name::normalized), {shape, std::vector<double>(512, 1.0), io::DType::f64}, fp64);
  return run_from(problem, recipe, {given, {wanted}}, {}).tape.find(wanted)->tensor.at(511);
}
double normalized(double x, const compressor::Recipe& recipe) { return flat(x, recipe, forward(Name::normalized)); }
double gain_at_zero(const compressor::Recipe& recipe) { return flat(0, recipe, gradient(Name::pooled)); }

}  // namespace

TEST_CASE("of a scale error eps / (mean square + eps) arrives, of an error of direction all") {
  const compressor::Problem problem = one_entry(64);
  studies::Subject subject;
  subject.problem = &problem;
  const compressor::Tape truth = run_traced(problem, compressor::load_recipe("fp64"), {}).tape;
  subject.truth = &truth;
  for (const char* rms : {"1", "1e-2", "3e-3", "1e-3", "1e-4"}) {
    const double square = std::pow(std::stod(rms), 2);
    const double share = 1e-6 / (square + 1e-6);
    const io::Json measures = measured("norm", {{"rms", rms}, {"format", "fp64"}}, subject);
    INFO(rms);
    // The change is 2^-20, and the answer is linear up to its square.
    CHECK_THAT(number(measures, "scale_passed"), Catch::Matchers::WithinRel(share, 1e-5));
    CHECK_THAT(number(measures, "direction_passed"), Catch::Matchers::WithinRel(1.0, 1e-5));
    CHECK(number(measures, "own_error") == 0);
    CHECK(number(measures, "gain") < 1 / std::sqrt(square + 1e-6));
  }
}

TEST_CASE("entries of unlike lengths, each turned by one angle, are turned by it behind the norm too") {
  const compressor::Problem problem = make_problem(test::small_config(compressor::Mode::csa), {});
  studies::Subject subject;
  subject.problem = &problem;
  for (const char* rms : {"1", "1e-3", "1e-4"}) {
    INFO(rms);
    CHECK_THAT(number(measured("norm", {{"rms", rms}, {"format", "fp64"}}, subject), "direction_passed"),
               Catch::Matchers::WithinRel(1.0, 1e-5));
  }
}

TEST_CASE("the conclusion speaks of what was walked, and sizes that fp64 has no squares of are left out") {
  const auto concluded = [](const std::vector<std::string>& rms) {
    studies::WalkOptions options;
    options.values = {{"rms", rms}, {"format", {"fp64"}}};
    return run_study(studies::study_named("norm"), options).conclusion;
  };
  CHECK_THAT(
      concluded({"1e-4"}).front(),
      Catch::Matchers::StartsWith("Of an error of direction at least 1.00 arrives; from 1e-4 down eps lets 0.99 of "
                                  "an error of scale through, and gradients grow 99"));
  CHECK_THAT(concluded({"1", "1e-4"}).front(),
             Catch::Matchers::Contains("; an error of scale vanishes down to pooled values of 1 (there ") &&
                 Catch::Matchers::Contains("of it is left), but from 1e-4 down eps lets 0.99 of it through"));
  studies::WalkOptions narrow;
  narrow.values = {{"rms", {"1e-2"}}, {"format", {"fp32", "e4m3fn"}}};
  CHECK(run_study(studies::study_named("norm"), narrow).conclusion.back() ==
        "In e4m3fn at 1e-2 the norm itself makes values that are no numbers.");
  compressor::Problem problem = one_entry(8);
  problem.config.eps = 1e10;
  narrow.subject.problem = &problem;
  narrow.values = {{"rms", {"1"}}, {"format", {"fp64"}}};
  CHECK_THAT(
      run_study(studies::study_named("norm"), narrow).conclusion.front(),
      Catch::Matchers::EndsWith("from 1 down eps lets 1 of an error of scale through, and gradients shrink to 1e-05 "
                                "of themselves."));
  problem.config.eps = 0;
  narrow.values = {{"rms", {"1e-4"}}, {"format", {"fp16"}}};
  CHECK(run_study(studies::study_named("norm"), narrow).conclusion.back() ==
        "In fp16 at 1e-4 the norm itself makes values that are no numbers.");
  const std::vector<std::string> none{"Nothing is normalised: squares of values of this size leave fp64."};
  CHECK(concluded({"1e300"}) == none);
  CHECK(concluded({"1e-320"}) == none);
}

TEST_CASE(
    "E10: 512 ones in bf16: squares added in order stop at 256, so the norm gives 1.4140625; other orders give 1") {
  CHECK(normalized(1, in_format("bf16")) == 1.4140625);
  CHECK(normalized(1, in_format("bf16", "pairwise")) == 1);
  CHECK(normalized(1, in_format("bf16", "blocked:16,16")) == 1);
}

TEST_CASE("E10: 512 values of 16 in fp16: the sum is infinite and the entry 0, without a NaN; in fp32 it is 1") {
  CHECK(normalized(16, in_format("fp16")) == 0);
  CHECK(normalized(16, in_format("fp32")) == 1);
  CHECK(normalized(11.3046875, in_format("fp16", "pairwise")) == 1);  // up to sqrt(65504 / 512) = 11.3109
  CHECK(normalized(11.3125, in_format("fp16", "pairwise")) == 0);
}

TEST_CASE("E10: an entry of zeros stays 0 and its gradient grows by 1 / sqrt(eps), eps as the format has it") {
  for (const char* format : {"fp64", "fp32", "fp16"}) CHECK(normalized(0, in_format(format)) == 0);
  CHECK(gain_at_zero(in_format("fp32")) == 1000);
  CHECK(gain_at_zero(in_format("fp16")) == 993.5);                                                    // eps is 17 2^-24
  for (const char* format : {"e4m3fn", "e5m2"}) CHECK(std::isnan(normalized(0, in_format(format))));  // eps is 0
}

TEST_CASE("entries of zeros or NaN have no size to study, entries of one channel no direction") {
  const auto of = [](const compressor::Problem& problem) {
    studies::Subject subject;
    subject.problem = &problem;
    return measured("norm", {}, subject);
  };
  compressor::Problem problem = one_entry(8);
  for (const double value : {0.0, std::nan("")}) {
    problem.inputs[Name::w_kv] = {{8, 1}, std::vector<double>(8, value), io::DType::f64};
    CHECK(of(problem).at("skipped") == "pooled holds nothing but 0, or what is no number");
  }
  CHECK(of(one_entry(1)).at("direction_passed").is_null());
}

TEST_CASE("of one channel the direction is left out, with the reason, and the scale is not") {
  const compressor::Problem problem = one_entry(1);
  studies::WalkOptions options;
  options.subject.problem = &problem;
  options.values = {{"rms", {"1", "1e-4"}}};
  const std::vector<std::string> sentences = run_study(studies::study_named("norm"), options).conclusion;
  CHECK_THAT(sentences.front(), Catch::Matchers::StartsWith("An entry of one channel has no direction; an error of "
                                                            "scale vanishes down to pooled values of 1 (there ") &&
                                    Catch::Matchers::Contains("but from 1e-4 down eps lets 0.99 of it through"));
  for (const std::string& sentence : sentences) CHECK_THAT(sentence, !Catch::Matchers::Contains("nan"));
}

TEST_CASE("without a norm there is nothing to study") {
  compressor::Problem problem = one_entry(8);
  problem.config.norm = false;
  studies::Subject subject;
  subject.problem = &problem;
  CHECK(measured("norm", {}, subject).contains("skipped"));
}
