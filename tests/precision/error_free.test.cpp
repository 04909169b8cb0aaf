// SPDX-License-Identifier: Apache-2.0
// Error-free transformations against 200-bit arithmetic, and rounding to odd.
#include "precision/error_free.hpp"

#include <mpfr.h>

#include <cmath>

#include "precision/to_odd.hpp"
#include "tests/precision/oracle.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

using namespace ulpscope;
using namespace ulpscope::precision;

namespace {

double moderate(test::Random& random) { return std::ldexp(random.normal(), static_cast<int>(random.index(80)) - 40); }

using Operation = int (*)(mpfr_t, const mpfr_t, const mpfr_t, mpfr_rnd_t);

/// |high + low - exact(a, b)| / |exact|.
double relative_error(TwoTerm<double> got, Operation operation, double a, double b) {
  mpfr_t x, y, truth;
  mpfr_inits2(2200, x, y, truth, static_cast<mpfr_ptr>(nullptr));
  mpfr_set_d(x, a, MPFR_RNDN);
  mpfr_set_d(y, b, MPFR_RNDN);
  operation(truth, x, y, MPFR_RNDN);
  mpfr_set_d(x, got.high, MPFR_RNDN);
  mpfr_add_d(x, x, got.low, MPFR_RNDN);
  mpfr_sub(x, x, truth, MPFR_RNDN);
  if (mpfr_zero_p(truth) == 0) mpfr_div(x, x, truth, MPFR_RNDN);
  const double error = std::fabs(mpfr_get_d(x, MPFR_RNDN));
  mpfr_clears(x, y, truth, static_cast<mpfr_ptr>(nullptr));
  return error;
}

}  // namespace

TEST_CASE("two_sum and two_prod lose nothing") {
  test::Random random(1);
  for (int i = 0; i < 2000; ++i) {
    const double a = moderate(random), b = moderate(random);
    CHECK(relative_error(two_sum(a, b), mpfr_add, a, b) == 0);
    CHECK(relative_error(two_prod(a, b), mpfr_mul, a, b) == 0);
    const double large = std::fabs(a) >= std::fabs(b) ? a : b, small = large == a ? b : a;
    CHECK(relative_error(fast_two_sum(large, small), mpfr_add, a, b) == 0);
  }
}

TEST_CASE("Double-double operations keep 103 bits") {
  test::Random random(2);
  for (int i = 0; i < 2000; ++i) {
    const double a = std::fabs(moderate(random)), b = std::fabs(moderate(random));
    const TwoTerm<double> ab = two_prod(a, b);
    const TwoTerm<double> quarter = mul(mul(ab, 0.5), TwoTerm<double>{0.5, 0});
    CHECK(relative_error({4 * quarter.high, 4 * quarter.low}, mpfr_mul, a, b) < 0x1p-103);
    const TwoTerm<double> twice = add(add(two_sum(a, b), two_sum(a, b)), 0.0);
    CHECK(relative_error({twice.high / 2, twice.low / 2}, mpfr_add, a, b) < 0x1p-103);
    const TwoTerm<double> there_and_back = add(add(ab, a), -a);
    CHECK(std::fabs(there_and_back.high - ab.high) <= 0x1p-51 * (ab.high + a));
  }
}

TEST_CASE("Rounding to odd steps an inexact even value toward the exact one") {
  CHECK(to_odd(1.0, 0.0) == 1.0);
  CHECK(to_odd(1.0, 1e-30) == 1.0 + 0x1p-52);
  CHECK(to_odd(1.0, -1e-30) == 1.0 - 0x1p-53);
  CHECK(to_odd(-1.0, 1e-30) == -1.0 + 0x1p-53);
  CHECK(to_odd(-1.0, -1e-30) == -1.0 - 0x1p-52);
  CHECK(to_odd(1.0 + 0x1p-52, 1e-30) == 1.0 + 0x1p-52);
  CHECK(std::isinf(to_odd(infinity(), std::nan(""))));
}

TEST_CASE("Operations to odd agree with 120-bit operations cut by integers") {
  Format odd = parse_format("fp64");
  odd.mode = RoundingMode::odd;
  test::Random random(3);
  for (int i = 0; i < 3000; ++i) {
    const double a = moderate(random), b = moderate(random);
    const double c =
        i % 2 == 0 ? moderate(random) : -a * b * (1 + std::ldexp(random.normal(), -static_cast<int>(random.index(60))));
    test::Mp x, y, z, r;
    mpfr_set_d(x.get(), a, MPFR_RNDN);
    mpfr_set_d(y.get(), b, MPFR_RNDN);
    mpfr_set_d(z.get(), c, MPFR_RNDN);
    CHECK(sum_to_odd(a, b) == test::oracle_round(r.exact(mpfr_add(r.get(), x.get(), y.get(), MPFR_RNDZ)), odd));
    CHECK(product_to_odd(a, b) == test::oracle_round(r.exact(mpfr_mul(r.get(), x.get(), y.get(), MPFR_RNDZ)), odd));
    CHECK(quotient_to_odd(a, b) == test::oracle_round(r.exact(mpfr_div(r.get(), x.get(), y.get(), MPFR_RNDZ)), odd));
    CHECK(fma_to_odd(a, b, c) ==
          test::oracle_round(r.exact(mpfr_fma(r.get(), x.get(), y.get(), z.get(), MPFR_RNDZ)), odd));
    mpfr_abs(x.get(), x.get(), MPFR_RNDN);
    CHECK(root_to_odd(std::fabs(a)) == test::oracle_round(r.exact(mpfr_sqrt(r.get(), x.get(), MPFR_RNDZ)), odd));
  }
}
