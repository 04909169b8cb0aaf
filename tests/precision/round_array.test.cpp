// SPDX-License-Identifier: Apache-2.0
// Arrays: every SIMD level gives the bits of the scalar operations.
#include "precision/round_array.hpp"

#include <stdexcept>

#include "precision/array_operations.hpp"
#include "precision/elementary.hpp"
#include "precision/emulated.hpp"
#include "tests/precision/oracle.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::precision;
using ulpscope::test::format_variants;
using ulpscope::test::oracle_round;
using ulpscope::test::same;
using ulpscope::test::stratified_floats;

namespace {

std::vector<SimdLevel> levels() {
  std::vector<SimdLevel> all;
  for (const SimdLevel level : {SimdLevel::v2, SimdLevel::v3, SimdLevel::v4}) {
    if (level <= best_simd_level()) all.push_back(level);
  }
  return all;
}

}  // namespace

TEST_CASE("Arrays of floats round as integer arithmetic does, at every level") {
  const auto values = stratified_floats(30011, 41);
  for (const Format& format : format_variants()) {
    if (format.precision > 24) continue;
    for (const SimdLevel level : levels()) {
      std::vector<float> rounded(values.size());
      round_array_at(level, values, rounded, format);
      int wrong = 0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        wrong += same(oracle_round(static_cast<double>(values[i]), format), static_cast<double>(rounded[i])) ? 0 : 1;
      }
      INFO(format.name << " v" << static_cast<int>(level) + 2);
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("Arrays of doubles round as integer arithmetic does, at every level") {
  const auto floats = stratified_floats(10007, 43);
  std::vector<double> values(floats.begin(), floats.end());
  for (std::size_t i = 0; i < values.size(); i += 2) values[i] *= 1 + 0x1p-30;
  for (const Format& format : format_variants()) {
    if (format.precision == 53 && format.mode != RoundingMode::nearest_even) continue;
    for (const SimdLevel level : levels()) {
      std::vector<double> rounded(values);
      round_array_at(level, rounded, rounded, format);
      int wrong = 0;
      for (std::size_t i = 0; i < values.size(); ++i)
        wrong += same(oracle_round(values[i], format), rounded[i]) ? 0 : 1;
      INFO(format.name << " v" << static_cast<int>(level) + 2);
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("Every length is rounded to its last element and not beyond, wherever in a cache line it begins") {
  std::vector<float> values(86);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = 1.001f * static_cast<float>(i + 1);
  for (const char* name : {"e4m3fn", "bf16", "fp16:rz"}) {
    const Format format = parse_format(name);
    for (const SimdLevel level : levels()) {
      int wrong = 0;
      for (std::size_t begin = 0; begin < 16; ++begin) {
        for (std::size_t count = 0; begin + count < values.size(); ++count) {
          std::vector<float> expected = values, got = values;
          for (std::size_t i = begin; i < begin + count; ++i) {
            expected[i] = static_cast<float>(round(static_cast<double>(values[i]), format));
          }
          round_array_at(level, std::span(values).subspan(begin, count), std::span(got).subspan(begin, count), format);
          wrong += got == expected ? 0 : 1;
        }
      }
      INFO(name << " v" << static_cast<int>(level) + 2);
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("Arrays of different sizes are refused") {
  const std::vector<float> from(3);
  std::vector<float> to(4);
  CHECK_THROWS_AS(round_array(from, to, parse_format("bf16")), std::invalid_argument);
  CHECK_THROWS_AS(exp_array(best_simd_level(), from, to, Exp::fast), std::invalid_argument);
}

TEST_CASE("Every operation gives the same bits at every level as the scalar arithmetic") {
  const auto a = stratified_floats(5003, 51), b = stratified_floats(5003, 52), c = stratified_floats(5003, 53);
  for (const char* name : {"fp32", "bf16", "fp16", "e4m3fn", "fp32:rz", "bf16:odd", "fp16:daz:ftz", "bf16:sr"}) {
    const Format format = parse_format(name);
    const Emulated<float> scalar(format);
    for (int step = 0; step <= static_cast<int>(Operator::round); ++step) {
      std::vector<float> expected(a.size());
      for (std::size_t i = 0; i < a.size(); ++i) {
        const Emulated<float> m = scalar.at({0, i, 0});
        const float results[] = {m.at({0, i, 0}).add(a[i], b[i]),
                                 m.at({0, i, 0}).sub(a[i], b[i]),
                                 m.at({0, i, 0}).mul(a[i], b[i]),
                                 m.at({0, i, 0}).div(a[i], b[i]),
                                 m.at({0, i, 0}).fma(a[i], b[i], c[i]),
                                 m.at({0, i, 0}).sqrt(a[i]),
                                 m.at({0, i, 0}).exp(a[i]),
                                 m.at({0, i, 0}).round(a[i])};
        expected[i] = results[step];
      }
      for (const SimdLevel level : levels()) {
        std::vector<float> got(a.size());
        apply(level, ArrayOperation<float>{static_cast<Operator>(step), a, b, c, format}, got);
        int wrong = 0;
        for (std::size_t i = 0; i < a.size(); ++i) wrong += same(expected[i], got[i]) ? 0 : 1;
        INFO(name << " step " << step << " v" << static_cast<int>(level) + 2);
        CHECK(wrong == 0);
      }
    }
  }
}

TEST_CASE("Every exp variant gives the same bits at every level as on scalars") {
  auto x = stratified_floats(20001, 61);
  // Of all floats in [-87, 87], those whose exp by AVX-512's table is so near the middle of two floats that it rounds
  // to the wrong one.
  for (const float hard : {-0x1.e1dbe2p-8f, -0x1.6e1ddp-8f, 0x1.2e3554p-6f, 0x1.5ffc5cp-6f, 0x1.cce332p+0f,
                           -0x1.7f4296p+0f, 0x1.69a056p+1f, -0x1.d2259ap+3f, 0x1.112856p+6f, 0x1.15298ap+6f}) {
    x.insert(x.begin(), 16, hard);  // a pack of every level
  }
  for (const std::string_view name : exp_names()) {
    const Exp variant = parse_exp(name);
    for (const SimdLevel level : levels()) {
      std::vector<float> got(x.size());
      exp_array(level, x, got, variant);
      int wrong = 0;
      for (std::size_t i = 0; i < x.size(); ++i) wrong += same(exp_fp32(x[i], variant), got[i]) ? 0 : 1;
      INFO(name << " v" << static_cast<int>(level) + 2);
      CHECK(wrong == 0);
    }
  }
}
