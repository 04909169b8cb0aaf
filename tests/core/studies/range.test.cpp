// SPDX-License-Identifier: Apache-2.0
// Study range: what bf16 gates and logits swallow, by hand and by count.
#include <cmath>

#include "core/compressor/run.hpp"
#include "core/studies/run_study.hpp"
#include "precision/rounding.hpp"
#include "tests/core/studies/measured.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using compressor::forward;
using compressor::Name;
using test::measured;
using test::number;

namespace {

/// Two tokens with these gates in one window of one channel.
compressor::Problem two_gates(double first, double second) {
  compressor::Config config;
  config.ratio = 2;
  config.seq = 2;
  config.hidden = 1;
  config.head_dim = 1;
  config.norm = false;
  compressor::Problem problem = make_problem(config, {});
  const auto set = [&](Name name, std::vector<double> values) {
    problem.inputs[name] = {shape_of(forward(name), config), std::move(values), io::DType::f64};
  };
  set(Name::hidden, {first, second});
  set(Name::w_gate, {1});
  set(Name::ape, {0, 0});
  return problem;
}

}  // namespace

TEST_CASE("gates 20.0625 and 19.9375 are both 20 in bf16: the weights are 1/2, though the softmax is fp32") {
  const compressor::Problem problem = two_gates(20.0625, 19.9375);
  const auto weight = [&](const char* setting) {
    const auto recipe = with_setting(compressor::load_recipe("fp32"), setting);
    return run_traced(problem, recipe, {}).tape.find(forward(Name::weights))->tensor.at(0);
  };
  const double exact = 0.53120937337375626;
  CHECK_THAT(run_traced(problem, compressor::load_recipe("fp64"), {}).tape.find(forward(Name::weights))->tensor.at(0),
             Catch::Matchers::WithinULP(exact, 1));
  CHECK_THAT(static_cast<float>(weight("project_gate.storage=fp32")),
             Catch::Matchers::WithinULP(0.531209409236908F, 1));
  CHECK(weight("project_gate.storage=bf16") == 0.5);
  CHECK_THAT(0.5 / exact - 1, Catch::Matchers::WithinAbs(-5.875155e-2, 5e-9));

  studies::Subject subject;
  subject.problem = &problem;
  const io::Json measures = measured("range", {{"format", "bf16"}}, subject);
  CHECK(number(measures, "tied") == 1);
  CHECK(number(measures, "flipped") == 0);
}

TEST_CASE("a winner that loses is a flip, with the lead that it had") {
  // 20.0625 and 20.07: bf16 has 20 and 20.125, ties to even and the nearer one.
  const compressor::Problem problem = two_gates(20.0625, 20.0615);
  studies::Subject subject;
  subject.problem = &problem;
  CHECK(number(measured("range", {{"format", "bf16"}}, subject), "flipped") == 0);
  compressor::Problem biased = two_gates(20.0625, 20.0635);
  biased.inputs[Name::ape] = {{2, 1}, std::vector<double>{0.05, 0.0}, io::DType::f64};
  subject.problem = &biased;  // true logits 20.1125 and 20.0635; gates 20 and 20.125
  const io::Json flipped = measured("range", {{"format", "bf16"}}, subject);
  CHECK(number(flipped, "flipped") == 1);
  CHECK_THAT(number(flipped, "margin"), Catch::Matchers::WithinAbs(0.049, 1e-12));
}

TEST_CASE("a bias is lost where its sum with the gate rounds to the gate: counted one by one") {
  const compressor::Problem problem = make_problem(test::small_config(compressor::Mode::hca), {0, 32, 0.1});
  studies::Subject subject;
  subject.problem = &problem;
  const precision::Format bf16 = precision::parse_format("bf16");
  const compressor::Tape fp32 = run_traced(problem, compressor::load_recipe("fp32"), {}).tape;
  const compressor::Tensor& gate = fp32.find(forward(Name::gate))->tensor;
  const compressor::Tensor& ape = problem.input(Name::ape);
  const compressor::Config& config = problem.config;
  std::size_t lost = 0;
  std::size_t all = 0;
  for (std::size_t b = 0; b < config.batch; ++b) {
    for (std::size_t t = 0; t < config.windows() * config.ratio; ++t) {
      for (std::size_t c = 0; c < config.head_dim; ++c) {
        const double rounded = precision::round(gate.at((b * config.seq + t) * config.head_dim + c), bf16);
        const double bias = ape.at(t % config.ratio * config.head_dim + c);
        lost += precision::round(rounded + bias, bf16) == rounded ? 1 : 0;
        ++all;
      }
    }
  }
  const io::Json sum = measured("range", {{"format", "bf16"}, {"rounded", "sum"}}, subject);
  CHECK(lost > all / 4);
  CHECK_THAT(number(sum, "bias_lost"),
             Catch::Matchers::WithinRel(static_cast<double>(lost) / static_cast<double>(all), 1e-12));
  CHECK(number(measured("range", {{"format", "bf16"}, {"rounded", "gate"}}, subject), "bias_lost") == 0);
}

TEST_CASE("errors of the bias double with the gates, and in fp64 there is none") {
  const auto error = [](const char* sigma, const char* format) {
    return number(measured("range", {{"gate_sigma", sigma}, {"ape_sigma", "0.5"}, {"format", format}}), "bias_error");
  };
  CHECK_THAT(error("64", "bf16") / error("32", "bf16"), Catch::Matchers::WithinRel(2.0, 0.05));
  CHECK(error("32", "fp64") < error("32", "bf16") * 0x1p-12);  // what is left is the projection's fp32 sum
}

TEST_CASE("a bias that is added to windows, pads included, is lost where it is lost on tokens") {
  // HCA: each token stands in one window, so that both pipelines add the same numbers.
  const compressor::Problem problem = make_problem(test::small_config(compressor::Mode::hca), {0, 32, 0.1});
  const auto measures = [&](const char* pipeline) {
    studies::Subject subject;
    subject.problem = &problem;
    subject.recipe = [&](const std::string& name) {
      return with_setting(compressor::load_recipe(name), std::string("pipeline=") + pipeline);
    };
    return measured("range", {{"format", "bf16"}, {"rounded", "sum"}}, subject);
  };
  const io::Json first = measures("bias_first");
  CHECK(number(first, "bias_lost") > 0);
  for (const char* measure : {"bias_lost", "flipped", "tied"})
    CHECK(number(measures("pad_first"), measure) == number(first, measure));
  CHECK_THAT(number(measures("pad_first"), "bias_error"),
             Catch::Matchers::WithinRel(number(first, "bias_error"), 1e-12));
}

TEST_CASE("pads of CSA's first window have a bias in pad_first, and none that counts") {
  compressor::Config config;
  config.mode = compressor::Mode::csa;
  config.overlap = true;
  config.ratio = 4;
  config.seq = 4;
  config.hidden = 2;
  config.head_dim = 3;
  const compressor::Problem problem = make_problem(config, {0, 0, 0.5});  // gates of 0: bf16 loses nothing of a sum
  studies::Subject subject;
  subject.problem = &problem;
  subject.recipe = [](const std::string& name) {
    return with_setting(with_setting(compressor::load_recipe(name), "pipeline=pad_first"), "pad.gate=-1e30");
  };
  const io::Json measures = measured("range", {{"format", "bf16"}, {"rounded", "gate"}}, subject);
  CHECK(number(measures, "bias_lost") == 0);
  CHECK(number(measures, "bias_error") == 0);
}

TEST_CASE("gates that swallow the bias even in fp64 lose it all, and infinite ones are said to be so") {
  studies::WalkOptions options;
  options.values = {{"gate_sigma", {"1e30"}}, {"ape_sigma", {"0.5"}}, {"rounded", {"gate"}}};
  const studies::Results huge = run_study(studies::study_named("range"), options);
  CHECK(huge.cells[0].number("bias_lost") == 1);
  CHECK(huge.cells[0].number("bias_error") > 1e20);
  options.values = {{"gate_sigma", {"1e6"}}, {"ape_sigma", {"0.5"}}, {"rounded", {"gate"}}, {"format", {"fp16"}}};
  const studies::Results infinite = run_study(studies::study_named("range"), options);
  CHECK(std::isnan(infinite.cells[0].number("weights")));
  REQUIRE(infinite.conclusion.size() == 2);
  CHECK_THAT(infinite.conclusion[0], Catch::Matchers::EndsWith(": all of it, for logits are infinite."));
  CHECK_THAT(infinite.conclusion[1],
             Catch::Matchers::StartsWith("No other slot than the true one wins a row alone; in"));
}

TEST_CASE("where no winner loses and no gate has a bias, the conclusion says that") {
  studies::WalkOptions options;
  options.values = {{"format", {"fp32"}}, {"ape_sigma", {"0"}}};
  CHECK(run_study(studies::study_named("range"), options).conclusion ==
        std::vector<std::string>{"No logit that is a number has a bias.",
                                 "The slot that should win does so in every row."});
  compressor::Problem problem = two_gates(1, std::nan(""));
  options.values = {};
  options.subject.problem = &problem;
  CHECK(run_study(studies::study_named("range"), options).conclusion ==
        std::vector<std::string>{"No logit that is a number has a bias."});
}
