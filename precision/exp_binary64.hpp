// SPDX-License-Identifier: Apache-2.0
// exp in binary64, below 0.53 ulp where results are normal: one text for scalars, packs and devices, without a library.
#pragma once

#include "precision/error_free.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {
namespace detail {

/// r^3 times this is e^r - 1 - r - r^2 / 2 on |r| <= 0.3467, relative to e^r within 2^-59.8. Products and sums are
/// rounded one by one, at every level alike: no fused operation that some processors lack.
template <class W>
ULPSCOPE_INLINE W exp_tail(W r, W r2) {
  const auto pair = [&](double high, double low) { return splat<W>(high) * r + splat<W>(low); };
  const W q01 = pair(0x1.5555555555555p-5, 0x1.5555555555556p-3);
  const W q23 = pair(0x1.6c16c16c167dfp-10, 0x1.11111111109afp-7);
  const W q45 = pair(0x1.a01a01a47ccd9p-16, 0x1.a01a01a7c73c0p-13);
  const W q67 = pair(0x1.27e4e1ed9933ep-22, 0x1.71de0da24602dp-19);
  const W q89 = pair(0x1.1f66eff4fc984p-29, 0x1.af38c67fbb53ep-26);
  const W high = (q89 * r2 + q67) * r2 + q45;
  return high * (r2 * r2) + (q23 * r2 + q01);
}

/// e^(high + low) for |high| <= 0.3467, |low| <= 2^-54: 1 + high + high^2 / 2 without an error, then the small rest.
template <class W>
ULPSCOPE_INLINE W exp_reduced(W high, W low) {
  const TwoTerm<W> square = two_prod(high, high);
  const TwoTerm<W> line = fast_two_sum(splat<W>(1), high);
  const TwoTerm<W> parabola = fast_two_sum(line.high, splat<W>(0.5) * square.high);
  const W cubic = (square.high * high) * exp_tail(high, square.high);
  const W rest = (line.low + parabola.low) + (splat<W>(0.5) * square.low + low * parabola.high);
  return parabola.high + (rest + cubic);
}

/// 2^n for lanes of 1.5 * 2^52 + n, |n| <= 1022: the low bits hold n in two's complement.
template <class W>
ULPSCOPE_INLINE W power_of_two_shifted(W shifted) {
  return from_bits<W>((as_bits(shifted) + splat<bits_t<W>>(1023)) << 52);
}
}  // namespace detail

/// exp(x) for doubles: NaN stays one, infinities are exact; below 2^-1022 underflow is gradual and the result is
/// rounded twice (below 0.8 of the subnormal ulp). x = n ln 2 + r with ln 2 in three parts, n times the first two
/// exact.
template <class W>
ULPSCOPE_INLINE_ON_HOST W exp_binary64(W x) {
  const W least = splat<W>(-746), most = splat<W>(710);  // beyond, results are 0 and infinity
  const W above = select(x < least, least, x);
  const W bounded = select(above > most, most, above);
  const W magic = splat<W>(0x1.8p52);
  const W n = (bounded * splat<W>(0x1.71547652b82fep+0) + magic) - magic;
  const W near = bounded - n * splat<W>(0x1.62e42fefa3800p-1);
  const TwoTerm<W> r = two_sum(near, n * splat<W>(-0x1.ef35793c76000p-45));
  const W y = detail::exp_reduced(r.high, r.low - n * splat<W>(0x1.cc01f97b57a08p-87));
  // In two steps: 2^n itself may be out of range. Half of n is rounded, and what is left is an integer too.
  const W half = splat<W>(0.5) * n + magic;
  const W left = (n - (half - magic)) + magic;
  const W scaled = y * detail::power_of_two_shifted(half) * detail::power_of_two_shifted(left);
  return select(is_nan(x), x + x, scaled);
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
