// SPDX-License-Identifier: Apache-2.0
// Enclosures hold what MPFR computes at 2400 bits, for numbers drawn from all that their operands hold; classes are
// IEEE's.
#include "precision/enclosed.hpp"

#include <boost/multiprecision/mpfr.hpp>
#include <random>

#include "precision/dual.hpp"
#include "precision/real.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::precision;

namespace {

using Wide =
    boost::multiprecision::number<boost::multiprecision::mpfr_float_backend<720, boost::multiprecision::allocate_stack>,
                                  boost::multiprecision::et_off>;

static_assert(Arithmetic<EnclosedArithmetic>);
static_assert(Arithmetic<Dual<EnclosedArithmetic>>);

const EnclosedArithmetic arithmetic;
constexpr double not_a_number = __builtin_nan("");

template <class N = Wide>
N middle_of(const Enclosed& x) {
  return N(x.high) + N(x.low);
}
template <class N>
bool holds(const Enclosed& x, const N& exact) {
  return abs(N(exact - middle_of<N>(x))) <= N(x.radius);
}
/// log2 of the radius relative to the middle.
double looseness(const Enclosed& x) { return static_cast<double>(log2(Wide(x.radius) / abs(middle_of(x)))); }

/// Double-doubles with and without radii, over a range of exponents.
class Draw {
 public:
  explicit Draw(int exponents) : exponents_(-exponents, std::min(exponents, 1000)) {}
  Enclosed operator()() {
    const double high = std::ldexp(unit_(engine_), exponents_(engine_));
    const double low = draw(2) == 0 ? 0 : high * 0x1p-54 * unit_(engine_) * std::ldexp(1.0, -draw(60));
    const double radius = draw(2) == 0 ? 0 : std::fabs(high) * std::ldexp(1.0, -30 - draw(90));
    const TwoTerm<double> sum = two_sum(high, low);
    return {sum.high, sum.low, radius};
  }
  /// One of the numbers that x holds: often an end.
  Wide inside(const Enclosed& x) {
    const int where = draw(4);
    const double fraction = where < 2 ? 2.0 * where - 1 : unit_(engine_) / 2;
    return middle_of(x) + Wide(x.radius) * Wide(fraction);
  }
  int draw(int count) { return std::uniform_int_distribution<int>(0, count - 1)(engine_); }

 private:
  std::mt19937_64 engine_{7};
  std::uniform_int_distribution<int> exponents_;
  std::uniform_real_distribution<double> unit_{-2, 2};
};

bool same_class(const Enclosed& x, double expected) {
  return x.radius == 0 && x.low == 0 && (x.high == expected || (x.high != x.high && expected != expected));
}

}  // namespace

TEST_CASE("sums, products, quotients and roots hold the exact result", "[precision]") {
  use_widest_exponents();
  for (const int exponents : {4, 60, 400, 1070}) {
    Draw draw(exponents);
    int worst = 0;
    for (int i = 0; i < 60000; ++i) {
      const Enclosed a = draw(), b = i % 5 == 0 ? Enclosed{-a.high, a.low, a.radius} : draw();
      const Wide x = draw.inside(a), y = draw.inside(b);
      worst += !holds(arithmetic.add(a, b), x + y);
      worst += !holds(arithmetic.sub(a, b), x - y);
      worst += !holds(arithmetic.mul(a, b), x * y);
      worst += y != 0 && !is_unknown(arithmetic.div(a, b)) && !holds(arithmetic.div(a, b), x / y);
      const Enclosed square{std::fabs(a.high), a.high < 0 ? -a.low : a.low, a.radius};
      const Enclosed root = arithmetic.sqrt(square);
      worst += !is_unknown(root) && !holds(root, sqrt(abs(x)));
      worst += !holds(EnclosedArithmetic::max(a, b), x < y ? y : x);
    }
    INFO("exponents to " << exponents);
    CHECK(worst == 0);
  }
}

TEST_CASE("enclosures of double-doubles are tight, and exact operations have radius 0", "[precision]") {
  Draw draw(40);
  double worst = -2000;
  for (int i = 0; i < 20000; ++i) {
    Enclosed a = draw(), b = draw();
    if (a.high == 0 || b.high == 0) continue;
    a.radius = b.radius = 0;
    for (const Enclosed& result : {arithmetic.mul(a, b), arithmetic.div(a, b), arithmetic.sqrt(arithmetic.mul(a, a))})
      worst = std::max(worst, looseness(result));
    const Enclosed positive = arithmetic.add({std::fabs(a.high), 0, 0}, {std::fabs(b.high), b.low, 0});
    if (positive.radius != 0) worst = std::max(worst, looseness(positive));
  }
  CHECK(worst <= -101);
  CHECK(arithmetic.add(Enclosed(1.0), Enclosed(0x1p-60)).radius == 0);
  CHECK(arithmetic.mul(Enclosed(1 + 0x1p-52), Enclosed(1 + 0x1p-52)).radius == 0);
  CHECK(arithmetic.div(Enclosed(21.0), Enclosed(7.0)).radius == 0);
  CHECK(arithmetic.sqrt(Enclosed(64.0)).radius == 0);
  CHECK(arithmetic.exp(Enclosed(0.0)).radius == 0);
  CHECK(arithmetic.mul(Enclosed(0.0), Enclosed{3, 0, 1}).radius == 0);
  CHECK(arithmetic.div(Enclosed(0.0), Enclosed{3, 0, 1}).radius == 0);
}

TEST_CASE("exp holds MPFR's, within 2^-102", "[precision]") {
  use_widest_exponents();
  std::mt19937_64 engine(11);
  const auto check = [&](const Enclosed& x, const Real& inside) {
    const Enclosed y = arithmetic.exp(x);
    const Real exact = exp(inside);
    const bool sound = holds(y, exact);
    if (!sound) {
      CAPTURE(x.high, x.low, x.radius, y.high, y.low, y.radius);
      CHECK(sound);
    }
    if (x.radius == 0 && x.high > -600 && x.high != 0 && x.high < 709) {
      const double loose = looseness(y);
      if (!(loose <= -102.9)) CHECK(loose <= -102.9);
    }
  };
  for (const double range : {1e-30, 1e-9, 0.006, 0.7, 40.0, 708.0, 760.0}) {
    std::uniform_real_distribution<double> draw(-range, range);
    for (int i = 0; i < 8000; ++i) {
      const double high = std::min(draw(engine), 708.9);
      const TwoTerm<double> x = two_sum(high, high * 0x1p-54 * (draw(engine) / range));
      check({x.high, x.low, 0}, Real(x.high) + Real(x.low));
      const double radius = std::fabs(high) * std::ldexp(1.0, -(i % 120));
      check({x.high, x.low, radius}, (Real(x.high) + Real(x.low)) + Real(i % 2 == 0 ? radius : -radius));
    }
  }
  // Where the table's entries change, and the least and the largest arguments.
  for (int k = -68900; k <= 65400; ++k) {
    const double near = (k + 0.5) * 0x1.62e42fefa39efp-7;
    for (const double x : {std::nextafter(near, -1000), near, std::nextafter(near, 1000)})
      if (k % 16 == 0 || std::abs(k) < 200) check(Enclosed(x), Real(x));
  }
  for (const double x : {-745.2, -746.0, -746.5, -800.0, -1e4, -1e300, 708.999, 709.5, 710.0, 1e300})
    check(Enclosed(x), x > 1e5 ? Real(1) : Real(x));
}

TEST_CASE("exp of a pack has the bits of exp one by one, in range and outside", "[precision]") {
  Draw draw(12);
  for (int i = 0; i < 3000; ++i) {
    Enclosed from[2 * exp_lanes], to[3 * exp_lanes];
    for (Enclosed& x : from) x = i % 10 == 0 && draw.draw(4) == 0 ? Enclosed(-infinity()) : draw();
    exp_enclosed_pack(from, 2, to, 3);
    for (int lane = 0; lane < exp_lanes; ++lane) {
      const Enclosed one = arithmetic.exp(from[2 * lane]), other = to[3 * lane];
      const bool equal = one.high == other.high && one.low == other.low && one.radius == other.radius;
      if (!equal) CHECK(equal);
    }
  }
}

TEST_CASE("the table of exp is 2^(j/64), each term rounded once", "[precision]") {
  for (int j = 0; j < 64; ++j) {
    const Wide exact = pow(Wide(2), Wide(j) / 64);
    const double high = static_cast<double>(exact);
    CHECK(exp_sixty_fourths[j][0] == high);
    CHECK(exp_sixty_fourths[j][1] == static_cast<double>(Wide(exact - Wide(high))));
  }
}

TEST_CASE("exp far below every format is positive, and above double any real number", "[precision]") {
  const Enclosed tiny = arithmetic.exp(Enclosed(-3.1e18));
  CHECK(tiny.high > 0);
  CHECK(upper(tiny) < 0x1p-1022);
  CHECK(arithmetic.mul(tiny, Enclosed(-0.1)).high < 0);
  CHECK(arithmetic.div(tiny, Enclosed(3.0)).high > 0);
  CHECK(arithmetic.exp(Enclosed(710.0)).radius == infinity());
  CHECK(same_class(arithmetic.exp(Enclosed(-infinity())), 0));
  CHECK(same_class(arithmetic.exp(Enclosed(infinity())), infinity()));
  CHECK(same_class(arithmetic.exp(Enclosed(not_a_number)), not_a_number));
}

TEST_CASE("log holds MPFR's", "[precision]") {
  Draw draw(60);
  int outside = 0, decided = 0;
  for (int i = 0; i < 20000; ++i) {
    Enclosed a = draw();
    if (a.high < 0) a = arithmetic.neg(a);
    const Enclosed y = arithmetic.log(a);
    if (!(y.radius < infinity())) continue;
    ++decided;
    outside += !holds(y, log(draw.inside(a)));
  }
  CHECK(outside == 0);
  CHECK(decided > 19000);
  CHECK(same_class(arithmetic.log(Enclosed(0.0)), -infinity()));
}

TEST_CASE("classes follow IEEE, and what no class decides may be anything", "[precision]") {
  const double inf = infinity();
  const std::vector<double> values{0.0, -0.0, 1.5, -2.0, inf, -inf, not_a_number};
  for (const double a : values) {
    for (const double b : values) {
      CAPTURE(a, b);
      CHECK(same_class(arithmetic.add(Enclosed(a), Enclosed(b)), a + b));
      CHECK(same_class(arithmetic.mul(Enclosed(a), Enclosed(b)), a * b));
      const Enclosed quotient = arithmetic.div(Enclosed(a), Enclosed(b));
      CHECK((same_class(quotient, a / b) || holds(quotient, Wide(a) / Wide(b))));
      CHECK(same_class(EnclosedArithmetic::max(Enclosed(a), Enclosed(b)),
                       a != a || b != b ? not_a_number : std::fmax(a, b)));
    }
  }
  const Enclosed near_zero{0x1p-70, 0, 0x1p-60};
  CHECK(is_unknown(arithmetic.mul(near_zero, Enclosed(inf))));
  CHECK(same_class(arithmetic.mul(Enclosed{1, 0, 0x1p-60}, Enclosed(-inf)), -inf));
  CHECK(is_unknown(arithmetic.div(Enclosed(1.0), near_zero)));
  CHECK(is_unknown(arithmetic.sqrt(near_zero)));
  CHECK(is_unknown(arithmetic.add(anything(), Enclosed(1.0))));
  CHECK(same_class(arithmetic.mul(Enclosed(not_a_number), near_zero), not_a_number));
}

TEST_CASE("finite results beyond double, and sums with them, are any real number", "[precision]") {
  const Enclosed huge = arithmetic.mul(Enclosed(1e200), Enclosed(1e200));
  CHECK((is_finite(huge) && huge.radius == infinity()));
  const Enclosed difference = arithmetic.sub(huge, huge);
  CHECK((is_finite(difference) && difference.radius == infinity()));
  CHECK(same_class(arithmetic.mul(Enclosed(0.0), huge), 0));
}

TEST_CASE("comparisons are decided where enclosures are apart; a select that is not decided holds both",
          "[precision]") {
  const Enclosed one{1, 0, 0x1p-70}, near{1, 0x1p-80, 0x1p-70}, two(2.0);
  CHECK(EnclosedArithmetic::less(one, two) == Decision::yes);
  CHECK(EnclosedArithmetic::less(two, one) == Decision::no);
  CHECK(EnclosedArithmetic::less(one, near) == Decision::unknown);
  CHECK(EnclosedArithmetic::equal(one, near) == Decision::unknown);
  CHECK(EnclosedArithmetic::equal(two, Enclosed(2.0)) == Decision::yes);
  CHECK(EnclosedArithmetic::equal(one, two) == Decision::no);
  CHECK(EnclosedArithmetic::is_nan(Enclosed(not_a_number)) == Decision::yes);
  const Enclosed either = EnclosedArithmetic::select(Decision::unknown, one, two);
  CHECK((holds(either, Wide(1)) && holds(either, Wide(2))));
}
