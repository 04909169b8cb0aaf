// SPDX-License-Identifier: Apache-2.0
// Arithmetic in MPFR: the kind in which ground truth is computed. Heavy: include from few sources.
#pragma once

#include <boost/multiprecision/mpfr.hpp>

#include "precision/arithmetic.hpp"

namespace ulpscope::precision {

/// 80 decimal digits (266 bits), on the stack, no expression templates [MPFR].
using Real =
    boost::multiprecision::number<boost::multiprecision::mpfr_float_backend<80, boost::multiprecision::allocate_stack>,
                                  boost::multiprecision::et_off>;

/// MPFR starts every thread with exponents of 30 bits, in which exp(-1e9) is 0; its widest range has 62. Only exp
/// leaves the default range from ordinary operands, so exp and the constructors see to it.
inline void use_widest_exponents() {
  if (mpfr_get_emin() == mpfr_get_emin_min()) return;
  mpfr_set_emin(mpfr_get_emin_min());
  mpfr_set_emax(mpfr_get_emax_max());
}

/// Every operation rounded to nearest at 80 digits. The format given to the constructor is ignored; `round` is the
/// identity: a truth is not rounded.
class RealArithmetic {
 public:
  using value_type = Real;
  using scalar_type = Real;
  using mask_type = bool;
  static constexpr int lanes = 1;

  RealArithmetic() { use_widest_exponents(); }
  explicit RealArithmetic(const Format&) { use_widest_exponents(); }

  Real add(const Real& a, const Real& b) const { return a + b; }
  Real sub(const Real& a, const Real& b) const { return a - b; }
  Real mul(const Real& a, const Real& b) const { return a * b; }
  Real div(const Real& a, const Real& b) const { return a / b; }
  Real fma(const Real& a, const Real& b, const Real& c) const { return boost::multiprecision::fma(a, b, c); }
  Real sqrt(const Real& a) const { return boost::multiprecision::sqrt(a); }
  Real exp(const Real& a) const {
    use_widest_exponents();  // of the thread that computes, which may not be the one that built this object
    return boost::multiprecision::exp(a);
  }
  Real log(const Real& a) const { return boost::multiprecision::log(a); }
  Real round(const Real& a) const { return a; }
  Real neg(const Real& a) const { return -a; }
  Real from(double x) const { return Real(x); }

  static Real constant(double x) { return Real(x); }
  static Real max(const Real& a, const Real& b) { return is_nan(b) ? b : is_nan(a) || !(b > a) ? a : b; }
  static Real select(bool mask, const Real& a, const Real& b) { return mask ? a : b; }
  static bool less(const Real& a, const Real& b) { return a < b; }
  static bool equal(const Real& a, const Real& b) { return a == b; }
  static bool is_nan(const Real& a) { return boost::multiprecision::isnan(a); }
};

}  // namespace ulpscope::precision
