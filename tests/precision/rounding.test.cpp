// SPDX-License-Identifier: Apache-2.0
// Rounding to formats: the readable version, scalar and pack rounders, against exact integer arithmetic.
#include "precision/rounding.hpp"

#include "precision/ulp.hpp"
#include "tests/precision/oracle.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

using namespace ulpscope;
using namespace ulpscope::precision;
using ulpscope::test::format_variants;
using ulpscope::test::oracle_round;
using ulpscope::test::same;
using ulpscope::test::stratified_floats;

namespace {

/// Number of values on which `rounding` differs from the oracle; prints the first.
template <class F>
int disagreements(const std::vector<double>& values, const Format& format, F rounding) {
  int count = 0;
  for (const double x : values) {
    const double expected = oracle_round(x, format), got = rounding(x);
    if (same(expected, got)) continue;
    if (count++ == 0) UNSCOPED_INFO(format.name << "(" << x << ") = " << got << ", not " << expected);
  }
  return count;
}

/// Doubles of many exponents, most of them within float's range, and double's own extremes.
std::vector<double> stratified_doubles(std::size_t count, std::uint64_t seed) {
  std::vector<double> values;
  test::Random random(seed);
  for (const float x : stratified_floats(count, seed)) {
    values.push_back(x);
    const double tail = std::ldexp(random.uniform() - 0.5, -24 - static_cast<int>(random.index(30)));
    values.push_back(x * (1 + tail));
    values.push_back(random.any_finite());
  }
  return values;
}

}  // namespace

TEST_CASE("The readable rounding agrees with integer arithmetic in every format and mode") {
  const auto values = stratified_doubles(1 << 12, 1);
  for (const Format& format : format_variants()) {
    CHECK(disagreements(values, format, [&](double x) { return round(x, format); }) == 0);
  }
}

TEST_CASE("The rounder of doubles agrees with integer arithmetic in every format and mode that it supports") {
  const auto values = stratified_doubles(1 << 13, 2);
  for (const Format& format : format_variants()) {
    if (!Rounder<double>::supports(format)) continue;
    const Rounder<double> rounder(format);
    if (format.precision == 53) continue;
    CHECK(disagreements(values, format, [&](double x) { return rounder(x); }) == 0);
  }
}

TEST_CASE("The rounder of floats agrees with integer arithmetic in every format and mode that it supports") {
  const auto floats = stratified_floats(1 << 15, 3);
  const std::vector<double> values(floats.begin(), floats.end());
  for (const Format& format : format_variants()) {
    if (!Rounder<float>::supports(format)) continue;
    const Rounder<float> rounder(format);
    CHECK(disagreements(values, format,
                        [&](double x) { return static_cast<double>(rounder(static_cast<float>(x))); }) == 0);
  }
}

TEST_CASE("Ties and neighbours at the edges of every format round as integer arithmetic does") {
  for (const Format& format : format_variants()) {
    if (!Rounder<float>::supports(format) || format.precision > 22) continue;
    const double last = std::ldexp(1.0, format.emax - format.precision + 1), least = min_subnormal(format);
    std::vector<double> values;
    for (const double edge : {format.max_finite, format.max_finite + last / 2, format.max_finite + last, least,
                              least / 2, 1.5 * least, min_normal(format), min_normal(format) - least / 2}) {
      for (const float x : {static_cast<float>(edge), std::nextafter(static_cast<float>(edge), 0.0f),
                            std::nextafter(static_cast<float>(edge), 1e38f)}) {
        values.push_back(static_cast<double>(x));
        values.push_back(-static_cast<double>(x));
      }
    }
    const Rounder<float> rounder(format);
    const Rounder<double> wide(format);
    CHECK(disagreements(values, format,
                        [&](double x) { return static_cast<double>(rounder(static_cast<float>(x))); }) == 0);
    CHECK(disagreements(values, format, [&](double x) { return wide(x); }) == 0);
    CHECK(disagreements(values, format, [&](double x) { return round(x, format); }) == 0);
  }
}

TEST_CASE("Ad hoc formats round as integer arithmetic does, down to two fraction bits and up to twenty-two") {
  const auto floats = stratified_floats(1 << 12, 4);
  const std::vector<double> values(floats.begin(), floats.end());
  for (int width = 2; width <= 8; ++width) {
    for (int fraction = 1; fraction <= 22; ++fraction) {
      for (const char* suffix : {"", ":rz", ":odd"}) {
        const Format format = parse_format("e" + std::to_string(width) + "m" + std::to_string(fraction) + suffix);
        const Rounder<float> rounder(format);
        CHECK(disagreements(values, format,
                            [&](double x) { return static_cast<double>(rounder(static_cast<float>(x))); }) == 0);
      }
    }
  }
}

TEST_CASE("Packs round as scalars do, bit for bit, NaN payloads included") {
  using V = Pack<float, 4>;
  using W = Pack<double, 2>;
  const auto values = stratified_floats(1 << 14, 5);
  for (const Format& format : format_variants()) {
    if (!Rounder<float>::supports(format)) continue;
    const Rounder<float> scalar(format);
    const Rounder<V> pack(format);
    const Rounder<double> wide_scalar(format);
    const Rounder<W> wide(format);
    int differences = 0;
    for (std::size_t i = 0; i + 4 <= values.size(); i += 4) {
      const V rounded = pack(load<V>(&values[i]));
      for (std::size_t k = 0; k < 4; ++k) {
        differences += as_bits(lane(rounded, static_cast<int>(k))) != as_bits(scalar(values[i + k]));
      }
      const W x = {values[i], values[i + 1]};
      differences += as_bits(lane(wide(x), 0)) != as_bits(wide_scalar(static_cast<double>(values[i])));
      differences += as_bits(lane(wide(x), 1)) != as_bits(wide_scalar(static_cast<double>(values[i + 1])));
    }
    INFO(format.name);
    CHECK(differences == 0);
  }
}

TEST_CASE("Every encoded value of a format rounds to itself in every mode") {
  for (const Format& format : format_variants()) {
    if (total_bits(format) > 16) continue;
    int moved = 0;
    for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << total_bits(format)); ++bits) {
      const double x = decode(bits, format);
      const bool tiny = std::fabs(x) < min_normal(format) && x != 0 && format.flush_results;
      if (std::isinf(x) || tiny) continue;
      moved += same(round(x, format), x) && same(Rounder<double>(format)(x), x) ? 0 : 1;
    }
    INFO(format.name);
    CHECK(moved == 0);
  }
}

TEST_CASE("A value is rounded once: fp64 to bf16 does not pass through fp32") {
  const double x = 1 + 0x1p-8 + 0x1p-30;
  const Format bf16 = parse_format("bf16");

  CHECK(round(x, bf16) == 1 + 0x1p-7);
  CHECK(round(static_cast<double>(static_cast<float>(x)), bf16) == 1);
  CHECK(Rounder<double>(bf16)(x) == 1 + 0x1p-7);
}

TEST_CASE("Stochastic rounding goes up with the probability of the distance") {
  const Format format = parse_format("bf16:sr");
  const double x = 1 + 0x1p-7 * 0.25;
  const Rounder<double> rounder(format);
  int ups = 0;
  for (std::uint64_t i = 0; i < 10000; ++i) {
    const std::uint64_t random = random_bits({7, i, 0});
    const double rounded = round(x, format, random);
    CHECK(rounded == rounder(x, random));
    ups += rounded > 1;
  }

  CHECK(ups > 2500 - 5 * 44);  // binomial, sigma 43.3
  CHECK(ups < 2500 + 5 * 44);
  CHECK(round(1.5, format, ~std::uint64_t{0}) == 1.5);
  CHECK(round(1.5, format, 0) == 1.5);
}

TEST_CASE("A NaN with a small or a full payload stays a quiet NaN") {
  for (const char* name : {"bf16", "fp16", "e4m3fn", "e2m1", "tf32", "bf16:rz"}) {
    const Rounder<float> rounder(parse_format(name));
    for (const std::uint32_t bits : {0x7f800001u, 0xff800001u, 0x7fffffffu, 0xffffffffu}) {
      const float rounded = rounder(std::bit_cast<float>(bits));
      INFO(name);
      CHECK(std::isnan(rounded));
      CHECK((as_bits(rounded) & 0x00400000u) != 0);
    }
  }
}

// Every float, against the readable rounding instead of the slower oracle: `ulpscope selftest --exhaustive`.
TEST_CASE("Rounding every third float to every format agrees with integer arithmetic", "[.full]") {
  for (const Format& format : formats()) {
    if (!Rounder<float>::supports(format)) continue;
    const Rounder<float> rounder(format);
    std::uint64_t wrong = 0;
    for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << 32); bits += 3) {
      const float x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
      wrong += same(oracle_round(static_cast<double>(x), format), static_cast<double>(rounder(x))) ? 0 : 1;
    }
    INFO(format.name);
    CHECK(wrong == 0);
  }
}
