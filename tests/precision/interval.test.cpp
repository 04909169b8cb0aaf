// SPDX-License-Identifier: Apache-2.0
// Intervals over MPFR: outward, by 600 bits more; classes as IEEE 754 has them, where an interval library says 0 * inf
// = 0.
#include "precision/interval.hpp"

#include <random>
#include <thread>

#include "tests/support/catch.hpp"

using namespace ulpscope::precision;

namespace {

using Wide =
    boost::multiprecision::number<boost::multiprecision::mpfr_float_backend<270, boost::multiprecision::allocate_stack>,
                                  boost::multiprecision::et_off>;

static_assert(Arithmetic<IntervalArithmetic>);

const IntervalArithmetic arithmetic;
constexpr double inf = __builtin_inf();
constexpr double not_a_number = __builtin_nan("");

/// low <= exact <= high, and no wider than two units in the last of 266 places.
bool is_tight(const Interval& x, const Wide& exact) {
  const Wide width = Wide(x.high) - Wide(x.low);
  return Wide(x.low) <= exact && exact <= Wide(x.high) && width <= abs(exact) * Wide(0x1p-262);
}
bool same_class(const Interval& x, double expected) {
  if (expected != expected) return isnan(x.low) && isnan(x.high);
  return x.low == x.high && x.low == Real(expected);
}

}  // namespace

TEST_CASE("operations of numbers hold the exact result and nothing far from it", "[precision]") {
  std::mt19937_64 engine(5);
  std::uniform_real_distribution<double> draw(-40, 40);
  int wrong = 0;
  for (int i = 0; i < 2000; ++i) {
    const double a = draw(engine), b = draw(engine);
    const Interval x(a), y(b), third = arithmetic.div(x, Interval(3.0));
    wrong += !is_tight(arithmetic.div(x, y), Wide(a) / Wide(b));
    wrong += !is_tight(arithmetic.mul(third, y), Wide(a) / 3 * Wide(b));
    wrong += !is_tight(arithmetic.sqrt(Interval(std::fabs(a))), sqrt(Wide(std::fabs(a))));
    wrong += !is_tight(arithmetic.exp(x), exp(Wide(a)));
    wrong += !is_tight(arithmetic.log(Interval(std::fabs(a))), log(Wide(std::fabs(a))));
    wrong += !is_tight(arithmetic.add(third, third), Wide(a) * 2 / 3);
  }
  CHECK(wrong == 0);
}

TEST_CASE("bounds of an interval that holds 0 go through products of every sign; a quotient by it is anything",
          "[precision]") {
  const Interval around{Real(-2), Real(3)}, negative{Real(-5), Real(-1)};
  CHECK(arithmetic.mul(around, negative).low == -15);
  CHECK(arithmetic.mul(around, negative).high == 10);
  CHECK(arithmetic.mul(around, around).low == -6);
  CHECK(arithmetic.sub(around, negative).high == 8);
  CHECK(IntervalArithmetic::max(around, negative).low == -2);
  const Interval quotient = arithmetic.div(Interval(1.0), around);
  CHECK((isnan(quotient.low) && !isnan(quotient.high)));
}

TEST_CASE("classes of intervals are IEEE's", "[precision]") {
  const std::vector<double> values{0.0, 1.5, -2.0, inf, -inf, not_a_number};
  for (const double a : values) {
    for (const double b : values) {
      CAPTURE(a, b);
      CHECK(same_class(arithmetic.add(Interval(a), Interval(b)), a + b));
      CHECK(same_class(arithmetic.mul(Interval(a), Interval(b)), a * b));
      if (b == 0 || !std::isfinite(b)) CHECK(same_class(arithmetic.div(Interval(a), Interval(b)), a / b));
    }
  }
  CHECK(same_class(arithmetic.exp(Interval(-inf)), 0));
}

TEST_CASE("exp of -3e18 is positive, in a thread of its own too", "[precision]") {
  bool positive = false;
  std::thread([&] { positive = IntervalArithmetic().exp(Interval(-3e18)).low > 0; }).join();
  CHECK(positive);
}
