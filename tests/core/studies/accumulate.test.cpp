// SPDX-License-Identifier: Apache-2.0
// Study accumulate: published figures of orders of summation, and the law of stochastic rounding.
#include <cmath>
#include <map>

#include "precision/emulated.hpp"
#include "precision/rounding.hpp"
#include "precision/summation.hpp"
#include "tests/core/studies/measured.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

using namespace ulpscope;
using test::measured;
using test::number;

namespace {

io::Json sums(const char* order, const char* format, const char* data, const char* length = "128") {
  return measured("accumulate", {{"summation", order}, {"format", format}, {"data", data}, {"length", length}});
}

}  // namespace

TEST_CASE(
    "128 equal bf16 addends: in order 11.875 % is lost, in chunks less, in pairs and 32 lanes and by Kahan nothing") {
  CHECK(number(sums("sequential", "bf16", "equal"), "worst") == 0.11875);
  for (const auto& [order, percent] :
       {std::pair{"blocked:4", 3.0}, std::pair{"blocked:16", 2.6}, std::pair{"lanes_pairwise:8", 1.7}}) {
    INFO(order);
    CHECK_THAT(100 * number(sums(order, "bf16", "equal"), "worst"), Catch::Matchers::WithinAbs(percent, 0.05));
  }
  for (const char* order : {"pairwise", "kahan", "exact"}) CHECK(number(sums(order, "bf16", "equal"), "worst") == 0);
}

TEST_CASE("ones in order stop at 2^p, and the study says that they stagnate") {
  const io::Json bf16 = sums("sequential", "bf16", "ones", "512");
  CHECK(number(bf16, "worst") == 0.5);
  CHECK(number(bf16, "bias") == -0.5);
  CHECK(number(bf16, "stagnant") == 1);
  CHECK(number(sums("sequential", "bf16", "ones", "128"), "stagnant") == 0);
  CHECK(number(sums("sequential", "fp16", "ones", "4096"), "worst") == 0.5);
  CHECK(number(sums("sequential", "fp32", "ones", "4096"), "worst") == 0);
  CHECK(number(sums("sequential", "e4m3fn", "ones", "128"), "worst") == 1 - 16.0 / 128);
}

TEST_CASE("tensor cores truncate: dot products of 4096 positive bf16 pairs are low by 190 u and 456 u") {
  const auto drawn = [](std::uint64_t seed) {
    test::Random random(seed);
    std::vector<double> values(4096);
    for (double& value : values) value = precision::round(random.uniform(), precision::parse_format("bf16"));
    return values;
  };
  const auto bias = [&](const char* order) {
    double sum = 0;
    constexpr int trials = 64;
    for (int trial = 0; trial < trials; ++trial) {
      const auto a = drawn(2 * static_cast<std::uint64_t>(trial));
      const auto b = drawn(2 * static_cast<std::uint64_t>(trial) + 1);
      const auto dot = [&](const char* format, const char* each) {
        return precision::dot(
            precision::Emulated<double>(precision::parse_format(format)), 4096, precision::parse_summation(each),
            [&](int i) { return a[static_cast<std::size_t>(i)]; },
            [&](int i) { return b[static_cast<std::size_t>(i)]; });
      };
      const double exact = dot("fp64", "exact");
      sum += (dot("fp32", order) - exact) / exact;
    }
    return sum / trials / 0x1p-24;
  };
  CHECK(std::abs(bias("sequential")) < 4);
  CHECK_THAT(bias("tensor_core:25,16"), Catch::Matchers::WithinRel(-190, 0.03));
  CHECK_THAT(bias("tensor_core:24,8"), Catch::Matchers::WithinRel(-456, 0.03));
}

TEST_CASE("a stochastic sum has the exact law's mean, deviation, support and distribution") {
  const double term = 0x1p-7 * 1.0078125;
  const precision::Format down = precision::parse_format("bf16:rd");
  const precision::Format up = precision::parse_format("bf16:ru");
  std::map<double, double> law{{term, 1.0}};
  for (int i = 1; i < 128; ++i) {
    std::map<double, double> next;
    for (const auto& [sum, probability] : law) {
      const double low = precision::round(sum + term, down);
      const double high = precision::round(sum + term, up);
      const double above = low == high ? 0 : (sum + term - low) / (high - low);
      next[low] += probability * (1 - above);
      if (above > 0) next[high] += probability * above;
    }
    law = std::move(next);
  }
  double mean = 0;
  double square = 0;
  for (const auto& [sum, probability] : law) {
    mean += probability * sum;
    square += probability * (sum - 1.0078125) * (sum - 1.0078125);
  }
  CHECK_THAT(mean, Catch::Matchers::WithinAbs(1.0078125, 1e-14));
  CHECK_THAT(std::sqrt(square), Catch::Matchers::WithinAbs(5.513e-3, 5e-7));
  CHECK_THAT(law[1.0078125], Catch::Matchers::WithinAbs(0.5652, 5e-5));
  CHECK(law.begin()->first == 1);
  CHECK(law.rbegin()->first == 1.46875);

  constexpr int runs = 20000;
  std::map<double, int> counts;
  for (int run = 0; run < runs; ++run) {
    const auto m =
        precision::Emulated<double>(precision::parse_format("bf16:sr")).at({5, static_cast<std::uint64_t>(run), 0});
    double sum = term;
    for (int i = 1; i < 128; ++i) sum = m.add(sum, term);
    ++counts[sum];
  }
  double expected = 0;
  double found = 0;
  double apart = 0;
  for (const auto& [sum, probability] : law) {
    expected += probability;
    found += counts[sum] / static_cast<double>(runs);
    apart = std::max(apart, std::abs(expected - found));
  }
  CHECK_THAT(found, Catch::Matchers::WithinAbs(1, 1e-9));  // no sum outside the support
  CHECK(apart < 1.95 / std::sqrt(runs));                   // Kolmogorov's bound at 0.1 %
}

TEST_CASE("the study's stochastic sums are unbiased where nearest sums are not") {
  const io::Json nearest = sums("sequential", "bf16", "ones", "512");
  const io::Json stochastic = sums("sequential", "bf16:sr", "ones", "512");
  CHECK(number(nearest, "bias") == -0.5);
  const double deviation = number(stochastic, "rms") / std::sqrt(128.0);
  CHECK(std::abs(number(stochastic, "bias")) <= 4 * deviation);
  CHECK(number(stochastic, "rms") > 0);
}

TEST_CASE("a problem without a window has no sums") {
  compressor::Config config;
  config.ratio = 4;
  config.seq = 3;
  config.hidden = 1;
  config.head_dim = 2;
  const compressor::Problem problem = make_problem(config, {});
  studies::Subject subject;
  subject.problem = &problem;
  CHECK(measured("accumulate", {}, subject).contains("skipped"));
}

TEST_CASE("the conclusion counts what was summed, and says where nothing is wrong") {
  const auto sum = [](const char* order, double rms) {
    return test::cell("accumulate", {{"summation", order}}, {{"rms", rms}});
  };
  studies::Cell left_out = sum("kahan", 0);
  left_out.measures = {{"skipped", "no"}};
  const auto exact = test::concluded("accumulate", {sum("sequential", 0), sum("pairwise", 0), left_out});
  CHECK(exact == std::vector<std::string>{"No sum has an error.",
                                          "In 0 of 2 points some sums stagnate: their second half changes nothing."});
  CHECK(test::concluded("accumulate", {sum("sequential", 0.5), sum("pairwise", 0.25)}).front() ==
        "The largest error is that of sequential, fp32, 128, equal: 0.5 of the sum of magnitudes (rms, bias 0); the "
        "smallest that of pairwise, fp32, 128, equal: 0.25.");
}
