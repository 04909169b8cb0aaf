// SPDX-License-Identifier: Apache-2.0
// exp in double-double: the slow path that decides roundings, some 2^-40 of all evaluations.
#pragma once

#include "precision/exp_correct.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {
namespace detail {

inline constexpr int halvings = 8;

// ln 2 in three pieces of 42, 42 and 53 bits: n times the first two is exact for |n| <= 2^11.
ULPSCOPE_HD inline TwoTerm<double> reduce_by_ln2(double x, double n) {
  const TwoTerm<double> high = two_sum(x - n * 0x1.62e42fefa3800p-1, -n * 0x1.ef35793c76000p-45);
  return add(high, two_prod(-n, 0x1.cc01f97b57a08p-87));
}

// expm1 of |r| < 0.0014 by Taylor to degree 11: the remainder is below 2^-141.
ULPSCOPE_HD inline TwoTerm<double> expm1_taylor(TwoTerm<double> r) {
  constexpr TwoTerm<double> inverse_factorials[] = {
      // 1 / k! for k = 2 .. 11
      {0x1.0000000000000p-1, 0.0},
      {0x1.5555555555555p-3, 0x1.5555555555555p-57},
      {0x1.5555555555555p-5, 0x1.5555555555555p-59},
      {0x1.1111111111111p-7, 0x1.1111111111111p-63},
      {0x1.6c16c16c16c17p-10, -0x1.f49f49f49f49fp-65},
      {0x1.a01a01a01a01ap-13, 0x1.a01a01a01a01ap-73},
      {0x1.a01a01a01a01ap-16, 0x1.a01a01a01a01ap-76},
      {0x1.71de3a556c734p-19, -0x1.c154f8ddc6c00p-73},
      {0x1.27e4fb7789f5cp-22, 0x1.cbbc05b4fa99ap-76},
      {0x1.ae64567f544e4p-26, -0x1.c062e06d1f209p-80},
  };
  TwoTerm<double> q = inverse_factorials[9];
  for (int k = 8; k >= 0; --k) q = add(mul(q, r), inverse_factorials[k]);
  return add(r, mul(mul(r, r), q));
}
}  // namespace detail

// expm1(2 r) = 2 m + m^2 with m = expm1(r): each doubling at most doubles the absolute error, so 8 of them turn the
// 2^-104 of one operation into less than 2^-95.
ULPSCOPE_HD inline TwoTerm<double> exp_double_double(double x) {
  if (x == 0) return {1, 0};
  const double n = __builtin_rint(x * 0x1.71547652b82fep+0);
  TwoTerm<double> r = detail::reduce_by_ln2(x, n);
  const double scale = 1.0 / (1 << detail::halvings);
  TwoTerm<double> m = detail::expm1_taylor({r.high * scale, r.low * scale});
  for (int k = 0; k < detail::halvings; ++k) {
    const TwoTerm<double> square = mul(m, m);
    m = add(TwoTerm<double>{2 * m.high, 2 * m.low}, square);
  }
  const TwoTerm<double> one_more = add(m, 1.0);
  const int exponent = static_cast<int>(n);
  // Adding 1 as the larger term keeps the tail; then an exact scaling.
  const TwoTerm<double> result = fast_two_sum(one_more.high, one_more.low);
  return {__builtin_ldexp(result.high, exponent), __builtin_ldexp(result.low, exponent)};
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
