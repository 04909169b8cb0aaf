// SPDX-License-Identifier: Apache-2.0
// The kinds of arithmetic that are not hardware: MPFR, dual numbers, and an archetype that offers nothing but the
// concept.
#include "precision/real.hpp"

#include <cmath>

#include "precision/dual.hpp"
#include "precision/elementary.hpp"
#include "precision/emulated.hpp"
#include "precision/native.hpp"
#include "precision/summation.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::precision;

namespace {

/// Exactly what the concept asks for, and no operator: generic code that compiles with it uses nothing more.
class Archetype {
 public:
  class Value {
    friend Archetype;
    double hidden = 0;
  };
  class Mask {
    friend Archetype;
    explicit Mask(int truth) : hidden(truth) {}
    int hidden;
  };
  using value_type = Value;
  using scalar_type = Value;
  using mask_type = Mask;
  static constexpr int lanes = 1;
  explicit Archetype(const Format&) {}
  Value add(const Value& a, const Value& b) const { return constant(a.hidden + b.hidden); }
  Value sub(const Value& a, const Value& b) const { return constant(a.hidden - b.hidden); }
  Value mul(const Value& a, const Value& b) const { return constant(a.hidden * b.hidden); }
  Value div(const Value& a, const Value& b) const { return constant(a.hidden / b.hidden); }
  Value fma(const Value& a, const Value& b, const Value& c) const { return constant(a.hidden * b.hidden + c.hidden); }
  Value sqrt(const Value& a) const { return constant(std::sqrt(a.hidden)); }
  Value exp(const Value& a) const { return constant(std::exp(a.hidden)); }
  Value round(const Value& a) const { return a; }
  Value neg(const Value& a) const { return constant(-a.hidden); }
  Value from(double x) const { return constant(x); }
  static Value constant(double x) {
    Value v;
    v.hidden = x;
    return v;
  }
  static Value max(const Value& a, const Value& b) { return constant(std::fmax(a.hidden, b.hidden)); }
  static Value select(const Mask& mask, const Value& a, const Value& b) { return mask.hidden != 0 ? a : b; }
  static Mask less(const Value& a, const Value& b) { return Mask(a.hidden < b.hidden); }
  static Mask equal(const Value& a, const Value& b) { return Mask(a.hidden == b.hidden); }
  static Mask is_nan(const Value& a) { return Mask(std::isnan(a.hidden)); }
  static double reveal(const Value& a) { return a.hidden; }
};

static_assert(Arithmetic<Archetype>);
static_assert(Arithmetic<RealArithmetic>);
static_assert(Arithmetic<Native<float>> && Arithmetic<Native<double>> && Arithmetic<Native<Pack<float, 4>>>);
static_assert(Arithmetic<Emulated<float>> && Arithmetic<Emulated<double>> && Arithmetic<Emulated<Pack<double, 2>>>);
static_assert(Arithmetic<Dual<RealArithmetic>> && Arithmetic<Dual<Native<double>>> && Arithmetic<Dual<Archetype>>);

}  // namespace

TEST_CASE("Generic code uses nothing but the concept") {
  const Archetype m(parse_format("fp64"));
  const auto term = [](int i) { return Archetype::constant(i); };
  for (const char* order :
       {"sequential", "pairwise", "blocked:3,2", "lanes:3", "kahan", "tensor_core:25,16", "exact"}) {
    INFO(order);
    CHECK(Archetype::reveal(sum(m, 10, parse_summation(order), term)) == 45);
    CHECK(Archetype::reveal(dot(m, 10, parse_summation(order), term, term)) == 285);
  }
  CHECK(Archetype::reveal(exp_as(m, Archetype::constant(0), Exp::sleef_u10)) == 1);
}

TEST_CASE("MPFR neither overflows nor underflows, and keeps 80 digits") {
  const RealArithmetic m;
  const Real tiny = m.exp(m.from(-1e9));

  CHECK(tiny > 0);
  CHECK(m.mul(tiny, m.exp(m.from(1e9))).convert_to<double>() == 1.0);
  CHECK(m.sub(m.add(m.from(1), m.exp(m.from(-180))), m.from(1)) > 0);
  CHECK(RealArithmetic::is_nan(RealArithmetic::max(m.from(1), m.from(std::nan("")))));
  CHECK(RealArithmetic::max(m.from(-INFINITY), m.from(2)) == 2);
}

TEST_CASE("Dual numbers differentiate every operation") {
  const Dual<RealArithmetic> m(parse_format("fp64"));
  const RealArithmetic real;
  const Real h = real.exp(real.from(-60));
  using D = DualNumber<Real>;
  const auto f = [](const auto& k, const auto& x, const auto& y) {
    const auto a = k.add(k.mul(x, y), k.exp(x));
    const auto b = k.div(a, k.sqrt(y));
    return k.max(k.sub(k.fma(x, b, y), k.neg(x)), k.from(-100));
  };
  const Real x = real.from(0.7), y = real.from(1.9);

  const D along_x = f(m, D{x, 1}, D{y, 0});
  const D along_y = f(m, D{x, 0}, D{y, 1});
  const Real difference_x = (f(real, Real(x + h), y) - f(real, Real(x - h), y)) / (2 * h);
  const Real difference_y = (f(real, x, Real(y + h)) - f(real, x, Real(y - h))) / (2 * h);

  CHECK(abs(along_x.derivative - difference_x) < 1e-45);
  CHECK(abs(along_y.derivative - difference_y) < 1e-45);
  CHECK(along_x.value == f(real, x, y));
}

TEST_CASE("Dual rounding passes the derivative through") {
  const Dual<Emulated<double>> m(parse_format("bf16"));
  const auto rounded = m.round({1 + 0x1p-10, 0.3});
  CHECK(rounded.value == 1);
  CHECK(rounded.derivative == 0.3);
}
