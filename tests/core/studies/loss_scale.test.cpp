// SPDX-License-Identifier: Apache-2.0
// Study loss_scale: powers of two change no bit between flushing and overflow; what is flushed, counted.
#include <cmath>

#include "core/compressor/run.hpp"
#include "tests/core/studies/measured.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/distance.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using compressor::gradient;
using compressor::Name;
using test::measured;
using test::number;

namespace {

compressor::Tensor grad_logits(const compressor::Problem& problem, const std::string& format,
                               const std::string& scale) {
  const auto recipe = test::with_settings(compressor::load_recipe("fp32"),
                                          {"backward.softmax.storage.grad.logits=" + format, "loss_scale=" + scale});
  return run_traced(problem, recipe, {}).tape.find(gradient(Name::logits))->tensor;
}

}  // namespace

TEST_CASE("a loss scale that is a power of two changes no bit of a gradient where nothing under- or overflows") {
  const compressor::Problem problem = make_problem(test::small_config(compressor::Mode::csa), {});
  const compressor::Tensor one = grad_logits(problem, "bf16", "1");
  compressor::Tensor scaled = grad_logits(problem, "bf16", "256");
  std::vector<double> back = to_doubles(scaled);
  for (double& value : back) value /= 256;
  scaled.data = std::move(back);
  CHECK(test::fraction_equal(scaled, one) == 1);
  const compressor::Tensor odd = grad_logits(problem, "bf16", "3");
  CHECK(odd.at(odd.size() - 1) != 3 * one.at(one.size() - 1));

  studies::Subject subject;
  subject.problem = &problem;
  const auto error = [&](const char* scale) {
    return number(measured("loss_scale", {{"format", "fp16"}, {"loss_scale", scale}}, subject), "error");
  };
  CHECK(error("2^4") == error("2^6"));
  CHECK(error("16") == error("2^4"));
  CHECK(error("3") != error("2^4"));
}

TEST_CASE("fp16 flushes a gradient at or below 2^-25 and overflows from 65520 on, counted one by one") {
  const compressor::Problem problem = make_problem(test::small_config(compressor::Mode::csa), {});
  studies::Subject subject;
  subject.problem = &problem;
  for (const char* scale : {"2^-20", "2^-16", "2^17", "2^20"}) {
    const double factor = std::ldexp(1.0, std::stoi(scale + 2));
    std::size_t nonzero = 0;
    std::size_t flushed = 0;
    std::size_t overflowed = 0;
    const compressor::Tensor unscaled = grad_logits(problem, "fp32", "1");
    for (std::size_t i = 0; i < unscaled.size(); ++i) {
      const double value = std::abs(unscaled.at(i)) * factor;
      nonzero += value != 0 ? 1 : 0;
      flushed += value != 0 && value <= 0x1p-25 ? 1 : 0;
      overflowed += value >= 65520 ? 1 : 0;
    }
    const auto share = [&](std::size_t count) {
      return Catch::Matchers::WithinAbs(static_cast<double>(count) / static_cast<double>(nonzero), 1e-12);
    };
    const io::Json measures = measured("loss_scale", {{"format", "fp16"}, {"loss_scale", scale}}, subject);
    INFO(scale);
    CHECK(flushed + overflowed > 0);
    CHECK_THAT(number(measures, "flushed"), share(flushed));
    CHECK_THAT(number(measures, "overflowed"), share(overflowed));
  }
}

TEST_CASE("the conclusion names the scales between flushing and overflow") {
  const studies::Study& study = studies::study_named("loss_scale");
  std::vector<studies::Cell> cells;
  for (const char* scale : {"2^-16", "2^0", "2^8", "2^24"}) {
    std::vector<std::pair<std::string, std::string>> at;
    for (const studies::Axis& axis : study.axes)
      at.emplace_back(axis.name, axis.name == "loss_scale" ? scale : axis.small.front());
    const studies::Point point(at);
    cells.push_back({point, study.measure(point, {})});
  }
  const auto sentences = study.conclude(cells);
  REQUIRE(sentences.size() == 1);
  CHECK(sentences[0].find(" 2^0 to 2^8, ") != std::string::npos);
  CHECK(sentences[0].find(", 2^-16 flushes") != std::string::npos);
  CHECK(sentences[0].find("2^24 overflows") != std::string::npos);
}

TEST_CASE("a loss scale is a positive number or a power of two") {
  const studies::Study& study = studies::study_named("loss_scale");
  for (const studies::Axis& axis : study.axes) {
    if (axis.name != "loss_scale") continue;
    for (const char* good : {"2^-140", "2^0", "3", "1e-5"}) CHECK_NOTHROW(axis.check(good));
    for (const char* bad : {"abc", "2^x", "2^", "2^5000", "0", "-1", ""}) CHECK_THROWS(axis.check(bad));
  }
}
