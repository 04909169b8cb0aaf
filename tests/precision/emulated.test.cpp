// SPDX-License-Identifier: Apache-2.0
// Emulated arithmetic: every operation rounded once, in both carriers, as scalars and as packs.
#include "precision/emulated.hpp"

#include <array>
#include <cmath>
#include <stdexcept>

#include "precision/native.hpp"
#include "precision/ulp.hpp"
#include "tests/precision/oracle.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

using namespace ulpscope;
using namespace ulpscope::precision;
using ulpscope::test::Mp;
using ulpscope::test::oracle_round;
using ulpscope::test::same;
using ulpscope::test::stratified_floats;

namespace {

enum class Step { add, sub, mul, div, fma, sqrt };
constexpr std::array<Step, 6> steps = {Step::add, Step::sub, Step::mul, Step::div, Step::fma, Step::sqrt};

template <class A>
typename A::value_type compute(const A& m, Step step, const std::array<typename A::value_type, 3>& x) {
  switch (step) {
    case Step::add:
      return m.add(x[0], x[1]);
    case Step::sub:
      return m.sub(x[0], x[1]);
    case Step::mul:
      return m.mul(x[0], x[1]);
    case Step::div:
      return m.div(x[0], x[1]);
    case Step::fma:
      return m.fma(x[0], x[1], x[2]);
    case Step::sqrt:
      return m.sqrt(x[0]);
  }
  return x[0];
}

/// The operation in 120 bits toward zero with a sticky bit, then rounded once by integers. Zeros, infinities and NaN as
/// the hardware has them.
double expected(Step step, const std::array<double, 3>& x, const Format& format) {
  const double plain = compute(Native<double>(format), step, x);
  if (!std::isfinite(plain) || plain == 0) return oracle_round(plain, format);
  Mp a, b, c, r;
  mpfr_set_d(a.get(), x[0], MPFR_RNDN);
  mpfr_set_d(b.get(), x[1], MPFR_RNDN);
  mpfr_set_d(c.get(), x[2], MPFR_RNDN);
  int ternary = 0;
  switch (step) {
    case Step::add:
      ternary = mpfr_add(r.get(), a.get(), b.get(), MPFR_RNDZ);
      break;
    case Step::sub:
      ternary = mpfr_sub(r.get(), a.get(), b.get(), MPFR_RNDZ);
      break;
    case Step::mul:
      ternary = mpfr_mul(r.get(), a.get(), b.get(), MPFR_RNDZ);
      break;
    case Step::div:
      ternary = mpfr_div(r.get(), a.get(), b.get(), MPFR_RNDZ);
      break;
    case Step::fma:
      ternary = mpfr_fma(r.get(), a.get(), b.get(), c.get(), MPFR_RNDZ);
      break;
    case Step::sqrt:
      ternary = mpfr_sqrt(r.get(), a.get(), MPFR_RNDZ);
      break;
  }
  return oracle_round(r.exact(ternary), format);
}

int exponent_of(double x) { return std::isfinite(x) && x != 0 ? std::ilogb(x) : 0; }

/// Operands: any floats, or rounded to the format; some of them made to nearly cancel, or to differ far in exponent.
std::vector<std::array<double, 3>> triples(const Format& format, Operands operands, std::uint64_t seed) {
  const auto floats = stratified_floats(1800, seed);
  std::vector<std::array<double, 3>> all;
  const auto value = [&](double x) { return operands == Operands::any ? x : round(x, format); };
  Format plain = format;
  plain.mode = RoundingMode::nearest_even;
  plain.flush_results = false;
  for (std::size_t i = 0; i + 5 <= floats.size(); i += 3) {
    const double a = floats[i], b = floats[i + 1], c = floats[i + 2];
    const int distance = exponent_of(a) - exponent_of(floats[i + 3]) - static_cast<int>(i % 30);
    const double near = std::ldexp(floats[i + 3], distance);
    all.push_back({value(round(a, plain)), value(round(b, plain)), value(round(c, plain))});
    all.push_back({value(a), value(round(near, plain)), value(round(-a * near, plain))});
    const double small = std::fmod(static_cast<double>(floats[i + 4]), 4.0);
    all.push_back({value(std::fmod(a, 16.0)), value(small), value(round(-small, plain))});
  }
  if (operands == Operands::any) {
    for (auto& triple : all) {
      for (double& x : triple) x = static_cast<double>(static_cast<float>(x));
    }
  }
  return all;
}

template <class T>
void check_against_oracle(const Format& format, Operands operands) {
  const Emulated<T> arithmetic(format, operands);
  Format no_inputs = format;
  no_inputs.flush_inputs = false;
  for (const Step step : steps) {
    int wrong = 0;
    for (auto x : triples(no_inputs, operands, 11 + static_cast<std::uint64_t>(step))) {
      const std::array<T, 3> t = {static_cast<T>(x[0]), static_cast<T>(x[1]), static_cast<T>(x[2])};
      const double got = static_cast<double>(compute(arithmetic, step, t));
      if (format.flush_inputs) {
        for (double& each : x) {
          if (std::fabs(each) < min_normal(format)) each = std::copysign(0.0, each);
        }
      }
      const double want = expected(step, x, format);
      if (same(got, want)) continue;
      if (wrong++ == 0) {
        UNSCOPED_INFO(std::hexfloat << "step " << static_cast<int>(step) << " of " << x[0] << ", " << x[1] << ", "
                                    << x[2] << ": " << got << ", not " << want);
      }
    }
    INFO(format.name << " carried in " << (sizeof(T) == 4 ? "float" : "double"));
    CHECK(wrong == 0);
  }
}

const char* const wide_formats[] = {"tf32",      "bf16",       "fp16",     "e4m3fn",       "e5m2",    "e3m2",
                                    "e2m3",      "e2m1",       "e8m8",     "e8m9",         "e8m13",   "e5m22",
                                    "e3m20",     "e4m3fn:sat", "bf16:ftz", "fp16:daz:ftz", "bf16:rz", "bf16:rd",
                                    "bf16:ru",   "bf16:ra",    "bf16:odd", "fp16:rz",      "fp16:ru", "fp16:odd",
                                    "e4m3fn:rd", "e2m1:ra",    "tf32:rz",  "tf32:odd",     "e8m22:rz"};

}  // namespace

TEST_CASE("Operations on any operands are rounded once, carried in double") {
  for (const char* name : wide_formats) check_against_oracle<double>(parse_format(name), Operands::any);
  for (const char* name : {"fp32:rz", "fp32:rd", "fp32:odd", "fp32:ra", "fp32:daz", "fp32"}) {
    check_against_oracle<double>(parse_format(name), Operands::any);
  }
}

TEST_CASE("Operations on any operands are rounded once, carried in float") {
  for (const char* name : wide_formats) check_against_oracle<float>(parse_format(name), Operands::any);
  for (const char* name : {"fp32:rz", "fp32:ru", "fp32", "fp32:ftz", "fp32:daz", "fp32:sat"}) {
    check_against_oracle<float>(parse_format(name), Operands::any);
  }
}

TEST_CASE("Operations on the format's own values are rounded once by the fast path") {
  for (const char* name : wide_formats) {
    check_against_oracle<float>(parse_format(name), Operands::of_the_format);
    check_against_oracle<double>(parse_format(name), Operands::of_the_format);
  }
}

TEST_CASE("Emulated binary32 over double is float, bit for bit") {
  const Emulated<double> emulated(parse_format("fp32"));
  const Native<float> native;
  const auto values = stratified_floats(30000, 21);
  for (const Step step : steps) {
    int wrong = 0;
    for (std::size_t i = 0; i + 3 <= values.size(); ++i) {
      const std::array<float, 3> x = {values[i], values[i + 1], values[i + 2]};
      const std::array<double, 3> y = {x[0], x[1], x[2]};
      wrong += same(compute(emulated, step, y), static_cast<double>(compute(native, step, x))) ? 0 : 1;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("Packs compute what scalars compute, in every kind of format") {
  using V = Pack<float, 4>;
  using W = Pack<double, 2>;
  const auto values = stratified_floats(4096, 31);
  for (const char* name :
       {"fp32", "bf16", "fp16:rz", "e4m3fn", "tf32", "bf16:odd", "bf16:sr", "fp16:ftz:daz", "fp32:rd"}) {
    const Format format = parse_format(name);
    int wrong = 0;
    for (std::size_t i = 0; i + 12 <= values.size(); i += 12) {
      const Counter counter{5, i, 0};
      for (const Step step : steps) {
        const auto pack = compute(Emulated<V>(format).at(counter), step,
                                  {load<V>(&values[i]), load<V>(&values[i + 4]), load<V>(&values[i + 8])});
        W wide[3];
        for (std::size_t k = 0; k < 3; ++k) wide[k] = W{values[i + 4 * k], values[i + 4 * k + 1]};
        const auto doubles = compute(Emulated<W>(format).at(counter), step, {wide[0], wide[1], wide[2]});
        for (std::size_t k = 0; k < 4; ++k) {
          const Counter mine{5, i + k, 0};
          const float alone =
              compute(Emulated<float>(format).at(mine), step, {values[i + k], values[i + 4 + k], values[i + 8 + k]});
          wrong += same(alone, lane(pack, static_cast<int>(k))) ? 0 : 1;
          if (k < 2) wrong += same(alone, lane(doubles, static_cast<int>(k))) ? 0 : 1;
        }
      }
    }
    INFO(name);
    CHECK(wrong == 0);
  }
}

TEST_CASE("Products below the smallest normal number are rounded once") {
  for (const char* name : {"bf16", "e8m8", "e8m9", "fp16", "e5m2"}) {
    const Format format = parse_format(name);
    const Emulated<float> m(format, Operands::of_the_format);
    test::Random random(5);
    int wrong = 0;
    for (int i = 0; i < 200000; ++i) {
      // Two significands of the format whose product has an exponent from emin - p - 1 to emin.
      const int below = static_cast<int>(random.index(static_cast<std::size_t>(format.precision + 2)));
      const double a = round(random.uniform(1, 2), format);
      const double b = std::ldexp(round(random.uniform(1, 2), format), format.emin / 2);
      const double scaled = std::ldexp(a, format.emin - format.emin / 2 - below);
      const double got = static_cast<double>(m.mul(static_cast<float>(scaled), static_cast<float>(b)));
      wrong += same(got, oracle_round(scaled * b, format)) ? 0 : 1;
    }
    INFO(name);
    CHECK(wrong == 0);
  }
}

TEST_CASE("A sum of fp32 terms in bf16 is rounded once: the naive double rounding differs") {
  const float a = 1 + 0x1p-8f, b = 0x1p-60f;
  const Format bf16 = parse_format("bf16");

  CHECK(Emulated<float>(bf16).add(a, b) == 1 + 0x1p-7f);
  CHECK(Emulated<float>(bf16, Operands::of_the_format).add(a, b) == 1.0f);
}

TEST_CASE("FMA is rounded once where float rounds twice") {
  const Emulated<float> fp32(parse_format("fp32"));
  const float a = 1 + 0x1p-12f, c = -(1 + 0x1p-11f);

  CHECK(fp32.fma(a, a, c) == 0x1p-24f);
  CHECK(fp32.add(fp32.mul(a, a), c) == 0.0f);
}

TEST_CASE("Constants are rounded once to the format") {
  CHECK(Emulated<float>(parse_format("bf16")).from(1 + 0x1p-8 + 0x1p-30) == 1 + 0x1p-7f);
  CHECK(Emulated<double>(parse_format("fp32")).from(0.1) == static_cast<double>(0.1f));
  CHECK(lane(Emulated<Pack<float, 4>>(parse_format("bf16")).from(-1e4), 3) == -9984.0f);
}

TEST_CASE("Stochastic sums are unbiased where nearest sums stagnate") {
  const Format format = parse_format("bf16:sr");
  const double term = 0x1p-7 * 1.0078125;
  double total = 0, squares = 0;
  int exact = 0;
  const int runs = 20000;
  for (int run = 0; run < runs; ++run) {
    const Emulated<double> m = Emulated<double>(format).at({3, static_cast<std::uint64_t>(run), 0});
    double s = term;
    for (int i = 1; i < 128; ++i) s = m.add(s, term);
    total += s;
    squares += (s - 1.0078125) * (s - 1.0078125);
    exact += s == 1.0078125;
    CHECK(s >= 1);
  }
  CHECK(std::fabs(total / runs - 1.0078125) < 4 * 5.513e-3 / std::sqrt(runs));
  CHECK(std::fabs(std::sqrt(squares / runs) - 5.513e-3) < 3e-4);
  CHECK(std::fabs(static_cast<double>(exact) / runs - 0.5652) < 4 * 0.5 / std::sqrt(runs));
}

TEST_CASE("Stochastic results depend on the counter alone") {
  const Emulated<float> m(parse_format("bf16:sr"));
  const float x = 1.0f + 0x1p-9f;
  std::vector<float> first, second;
  for (const auto& each : {m.at({1, 2, 0}), m.at({1, 2, 0})}) {
    auto& out = first.empty() ? first : second;
    for (int i = 0; i < 64; ++i) out.push_back(each.round(x));
  }
  CHECK(first == second);
  CHECK(std::count(first.begin(), first.end(), 1.0f) > 30);
  CHECK(std::count(first.begin(), first.end(), 1.0f) < 64);
}

TEST_CASE("A carrier that cannot hold a format is refused with a sentence") {
  CHECK_THROWS_AS(Emulated<float>(parse_format("fp64")), std::invalid_argument);
  CHECK_THROWS_AS(Emulated<double>(parse_format("fp64:rz")), std::invalid_argument);
  CHECK_NOTHROW(Emulated<double>(parse_format("fp64")));
}
