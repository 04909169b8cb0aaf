// SPDX-License-Identifier: Apache-2.0
// Study casts against runs with the same settings; what the casts of weights, products and pooled do, in exact figures.
#include <cmath>

#include "core/judge/truth.hpp"
#include "precision/rounding.hpp"
#include "tests/core/studies/hand_rows.hpp"
#include "tests/core/studies/measured.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/distance.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using compressor::forward;
using compressor::gradient;
using compressor::load_recipe;
using compressor::Name;
using compressor::Recipe;
using test::measured;
using test::number;

namespace {

Recipe fp32_with(const std::vector<std::string>& settings) {
  return test::with_settings(load_recipe("fp32"), settings);
}

/// Error of the output of a problem's run.
double output_error(const compressor::Problem& problem, const Recipe& recipe) {
  const Recipe exact = judge::truth_recipe(recipe, problem.config, judge::Basis::given);
  const auto output = [&](const Recipe& each) {
    return run_traced(problem, each, {}).tape.find(forward(Name::output))->tensor;
  };
  return test::relative_error(output(recipe), output(exact));
}

/// Window rows with normal logits and bf16 values, in `channels` channels.
test::HandRows normal_rows(std::size_t slots, std::size_t channels, double sigma) {
  test::HandRows rows(test::hand_problem(slots, 1, channels));
  std::vector<double> values = test::normal_values<double>(slots * channels, 5);
  for (double& value : values) value = precision::round(value, precision::parse_format("bf16"));
  rows.set(forward(Name::logits), test::normal_values<double>(slots * channels, 4, sigma));
  rows.set(forward(Name::values), values);
  return rows;
}

}  // namespace

TEST_CASE("a cast that is lifted is the recipe with that setting, stored in fp32 or elided") {
  const compressor::Problem problem = make_problem(test::small_config(compressor::Mode::csa), {});
  studies::Subject subject;
  subject.problem = &problem;
  const Recipe hf = load_recipe("hf");
  const auto error = [&](const test::Values& at) { return number(measured("casts", at, subject), "output"); };
  const auto expected = [&](const std::vector<std::string>& settings) {
    return Catch::Matchers::WithinRel(output_error(problem, test::with_settings(hf, settings)), 1e-12);
  };
  CHECK_THAT(error({{"cast", "pool"}}), expected({"pool.storage=fp32"}));
  CHECK_THAT(error({{"cast", "products"}, {"change", "elided"}}), expected({"products.materialize=false"}));
  CHECK_THAT(error({{"cast", "softmax"}, {"and", "pool"}}), expected({"softmax.storage=fp32", "pool.storage=fp32"}));
  CHECK(error({{"cast", "pool"}}) != output_error(problem, hf));
}

TEST_CASE("an interaction is what two casts give beyond the sum of theirs alone") {
  const auto gain = [](const char* first, const char* second) {
    return measured("casts", {{"cast", first}, {"and", second}});
  };
  const double both = number(gain("scale", "rotate"), "gain");
  const double sum = number(gain("scale", "none"), "gain") + number(gain("rotate", "none"), "gain");
  CHECK_THAT(number(gain("scale", "rotate"), "interaction"), Catch::Matchers::WithinAbs(both - sum, 1e-12));
  CHECK(both > sum);  // the rotated channels are cast twice: either cast hides the other
}

TEST_CASE("what is no cast of a recipe is left out, and so is a cast with itself") {
  CHECK(measured("casts", {{"recipe", "native"}, {"cast", "project_kv"}}).contains("skipped"));
  CHECK(measured("casts", {{"cast", "pool"}, {"and", "pool"}}).contains("skipped"));
  CHECK_FALSE(measured("casts", {{"recipe", "native"}, {"cast", "pool"}}).contains("skipped"));
}

TEST_CASE("bf16 weights of nearly equal logits all round down: their sum misses 1 by almost u / (1 + u)") {
  const Recipe bf16 = fp32_with({"softmax.storage=bf16"});
  const auto hca = test::one_row(test::zeros_and(127, -11.0 / 16)).run(bf16, forward(Name::weights));
  CHECK(hca.front() == 0x1p-7);
  CHECK(hca.back() == 129 * 0x1p-15);
  CHECK(test::sum_of(hca) == 32641.0 / 32768);
  const auto csa = test::one_row(test::zeros_and(7, -1.0 / 32)).run(bf16, forward(Name::weights));
  CHECK(csa.front() == 0x1p-3);
  CHECK(csa.back() == 0x1.f2p-4);
  CHECK(test::sum_of(csa) == 2041.0 / 2048);

  const Recipe fp16 = fp32_with({"softmax.storage=fp16"});
  const auto deviation = [&](std::size_t equal, double last) {
    return test::sum_of(test::one_row(test::zeros_and(equal, last)).run(fp16, forward(Name::weights))) - 1;
  };
  CHECK(deviation(127, -11.0 / 16) == 0x1p-17);
  CHECK(deviation(7, -1.0 / 32) == 0x1p-14);
}

TEST_CASE("sums of bf16 weights of normal logits miss 1 by 8.01e-4 (8 slots) and 2.36e-4 (128), root mean square") {
  const Recipe bf16 = fp32_with({"softmax.storage=bf16"});
  for (const auto& [slots, expected] : {std::pair{8U, 8.01e-4}, std::pair{128U, 2.36e-4}}) {
    constexpr std::size_t rows = 20000;
    const auto weights = normal_rows(slots, rows, 1).run(bf16, forward(Name::weights));
    double squares = 0;
    for (std::size_t row = 0; row < rows; ++row) {
      double sum = 0;
      for (std::size_t r = 0; r < slots; ++r) sum += weights[r * rows + row];
      squares += (sum - 1) * (sum - 1);
    }
    CHECK_THAT(std::sqrt(squares / rows), Catch::Matchers::WithinRel(expected, 0.02));
  }
}

TEST_CASE("whether the product is rounded changes 38 % (8 slots) and 42 % (128) of bf16 outputs") {
  const std::vector<std::string> casts{"softmax.storage=bf16", "pool.storage=bf16"};
  const Recipe elided = fp32_with(casts);
  const Recipe rounded = with_setting(elided, "products.storage=bf16");
  for (const auto& [slots, expected] : {std::pair{8U, 0.383}, std::pair{128U, 0.416}}) {
    constexpr std::size_t outputs = 20000;
    const auto rows = normal_rows(slots, outputs, 1);
    const auto a = rows.run(elided, forward(Name::pooled));
    const auto b = rows.run(rounded, forward(Name::pooled));
    std::size_t changed = 0;
    for (std::size_t i = 0; i < outputs; ++i) changed += a[i] == b[i] ? 0 : 1;
    const double deviation = std::sqrt(expected * (1 - expected) / outputs);
    CHECK_THAT(static_cast<double>(changed) / outputs, Catch::Matchers::WithinAbs(expected, 4 * deviation));
  }
}

TEST_CASE("switching single casts on explains little: what is left is 43 to 106 % of the whole error") {
  struct Row {
    std::size_t slots;
    double sigma;
    double published;
  };
  const std::vector<std::string> casts{"bias.storage=bf16", "window.storage.values=bf16", "softmax.storage=bf16",
                                       "products.storage=bf16", "pool.storage=bf16"};
  for (const Row& row : {Row{8, 1, 1.06}, Row{8, 4, 0.88}, Row{128, 1, 0.85}, Row{128, 4, 0.43}}) {
    constexpr std::size_t outputs = 5000;
    test::HandRows rows(test::hand_problem(row.slots, 1, outputs));
    rows.set(forward(Name::gate), test::normal_values<double>(row.slots * outputs, 4, row.sigma));
    rows.set(forward(Name::kv), test::normal_values<double>(row.slots * outputs, 5));
    const auto pooled = [&](const std::vector<std::string>& settings) {
      return rows.run(test::with_settings(load_recipe("fp64"), settings), forward(Name::pooled));
    };
    const std::vector<double> exact = pooled({});
    const std::vector<double> whole = pooled(casts);
    std::vector<double> rest = whole;
    for (std::size_t i = 0; i < outputs; ++i) rest[i] -= exact[i];
    double error = 0;
    for (const double value : rest) error += value * value;
    for (const std::string& cast : casts) {
      const std::vector<double> single = pooled({cast});
      for (std::size_t i = 0; i < outputs; ++i) rest[i] -= single[i] - exact[i];
    }
    double left = 0;
    for (const double value : rest) left += value * value;
    INFO(row.slots << " slots, sigma " << row.sigma);
    CHECK_THAT(std::sqrt(left / error), Catch::Matchers::WithinRel(row.published, 0.06));
  }
}

TEST_CASE("constant values have no gradient of logits: what remains is the cast that the VJP or the pooled value saw") {
  const Recipe fp32 = fp32_with({"softmax.storage=bf16"});
  struct Row {
    std::vector<double> logits;
    double computed;  ///< bound of |grad.logits| by fp32 weights
    double stored;    ///< the largest by the stored weights
    double sum;       ///< of the stored weights
  };
  for (const Row& row : {Row{test::zeros_and(7, -1.0 / 32), 1.5e-8, 7 * 0x1p-14, 2041.0 / 2048},
                         Row{test::zeros_and(127, -11.0 / 16), 4.7e-9, 127 * 0x1p-22, 32641.0 / 32768}}) {
    test::HandRows rows = test::one_row(row.logits);
    rows.set(forward(Name::values), std::vector<double>(row.logits.size(), 1));
    rows.set(gradient(Name::pooled), {1});
    const auto largest = [&](const std::string& vjp, const std::string& saved) {
      const Recipe recipe =
          test::with_settings(fp32, {"softmax.vjp=" + vjp, "softmax.saved=" + saved, "backward.softmax.storage=fp32"});
      double most = 0;
      for (const double value : rows.run(recipe, gradient(Name::logits))) most = std::max(most, std::abs(value));
      return most;
    };
    for (const char* vjp : {"y_times_g_minus_s", "gy_minus_ys"}) {
      INFO(vjp);
      CHECK(largest(vjp, "computed") <= row.computed);
    }
    CHECK(largest("y_times_g_minus_s", "stored") == row.stored);
    // The fused form takes g * pooled for the sum, so its gradients add up to 1 - pooled.
    CHECK(1 - rows.run(fp32, forward(Name::pooled))[0] == 1 - row.sum);
    CHECK(1 - rows.run(with_setting(fp32, "pool.storage=bf16"), forward(Name::pooled))[0] == 3.90625e-3);
  }
  CHECK(precision::round(-4.703990459442139, precision::parse_format("bf16")) == -4.71875);
}

TEST_CASE("casts that take nothing are not ranked, and no error has no gain of its gradient") {
  const auto gains = [](const char* cast, double gain) {
    return test::cell("casts", {{"cast", cast}}, {{"gain", gain}});
  };
  CHECK(test::concluded("casts", {gains("pool", 0.2), gains("inputs", 0), gains("products", -9)}) ==
        std::vector<std::string>{"Of the output's squared error goes with one cast, in hf, csa, fp32: pool 20% (2 of 3 "
                                 "casts below 1%)."});
  CHECK(test::concluded("casts", {gains("pool", 0.001), gains("products", -9)}) ==
        std::vector<std::string>{
            "Of the output's squared error goes with one cast, in hf, csa, fp32: none of 2 casts takes 1%."});
  compressor::Config config = test::small_config(compressor::Mode::hca);
  config.ratio = 1;
  config.rope.reset();
  const compressor::Problem one = make_problem(config, {});
  studies::Subject subject;
  subject.problem = &one;  // one slot a window: its gate has no gradient
  CHECK(number(measured("casts", {{"cast", "pool"}}, subject), "gradient_gain") == 0);
}
