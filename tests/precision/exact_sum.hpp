// SPDX-License-Identifier: Apache-2.0
// Sums of products of doubles in MPFR without a rounding: the oracle of exact_dot and its accumulator.
#pragma once

#include <mpfr.h>

#include <cmath>

namespace ulpscope::test {

/// Bits from 2^1100 down to 2^-2148 squared: no sum of a test is rounded.
class ExactSum {
 public:
  ExactSum() {
    mpfr_init2(sum_, 8192);
    mpfr_init2(product_, 8192);
    mpfr_set_zero(sum_, 1);
  }
  ~ExactSum() {
    mpfr_clear(sum_);
    mpfr_clear(product_);
  }
  ExactSum(const ExactSum&) = delete;
  ExactSum& operator=(const ExactSum&) = delete;

  void add(double x) { add_product(x, 1); }
  void add_product(double x, double y) {
    mpfr_set_d(product_, x, MPFR_RNDN);
    mpfr_mul_d(product_, product_, y, MPFR_RNDN);
    mpfr_add(sum_, sum_, product_, MPFR_RNDN);
  }
  /// |sum - (high + low)| <= radius, decided exactly.
  bool within(double high, double low, double radius) {
    if (!(radius >= 0) || std::isnan(high) || std::isnan(low)) return false;
    if (std::isinf(radius)) return true;
    mpfr_sub_d(product_, sum_, high, MPFR_RNDN);
    mpfr_sub_d(product_, product_, low, MPFR_RNDN);
    mpfr_abs(product_, product_, MPFR_RNDN);
    return mpfr_cmp_d(product_, radius) <= 0;
  }
  double nearest() { return mpfr_get_d(sum_, MPFR_RNDN); }
  /// Whether two doubles hold the sum.
  bool fits_two() {
    const double high = nearest();
    mpfr_sub_d(product_, sum_, high, MPFR_RNDN);
    return within(high, mpfr_get_d(product_, MPFR_RNDN), 0);
  }

 private:
  mpfr_t sum_;
  mpfr_t product_;
};

}  // namespace ulpscope::test
