// SPDX-License-Identifier: Apache-2.0
// exp of floats in double by a table of 16 entries, where a register pair holds it: AVX-512.
#pragma once

#include "precision/error_free.hpp"

#if defined(__AVX512F__) && !defined(__CUDACC__)
namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {
namespace detail {

/// 2^(j / 16)
alignas(64) inline constexpr double sixteenths[16] = {
    0x1.0000000000000p+0, 0x1.0b5586cf9890fp+0, 0x1.172b83c7d517bp+0, 0x1.2387a6e756238p+0,
    0x1.306fe0a31b715p+0, 0x1.3dea64c123422p+0, 0x1.4bfdad5362a27p+0, 0x1.5ab07dd485429p+0,
    0x1.6a09e667f3bcdp+0, 0x1.7a11473eb0187p+0, 0x1.8ace5422aa0dbp+0, 0x1.9c49182a3f090p+0,
    0x1.ae89f995ad3adp+0, 0x1.c199bdd85529cp+0, 0x1.d5818dcfba487p+0, 0x1.ea4afa2a490dap+0,
};

// exp on |x| <= 87 with relative error below 2^-46: x = n ln 2 + r, n a multiple of 1/16, |r| < 0.02167; so
// exp(x) = 2^n (1 + p), p = r + r^2 q(r), q minimax of degree 3: 2^-47.35. n ln 2 is off by at most 126 x 2^-55.3
// (the constant's error), which is 2^-48.3; the table, 1 + p and p add less than 2^-51.5 together.
ULPSCOPE_INLINE Pack<double, 8> exp_by_table(Pack<double, 8> x) {
  using W = Pack<double, 8>;
  const W magic = splat<W>(0x1.8p48);  // its last place is 1/16
  const W shifted = multiply_add(x, splat<W>(0x1.71547652b82fep+0), magic);
  const W n = shifted - magic;
  const W r = multiply_add(n, splat<W>(-0x1.62e42fefa39efp-1), x);
  const W r2 = r * r;
  const W low = multiply_add(splat<W>(0x1.555555576bae8p-3), r, splat<W>(0x1.fffffffdc013bp-2));
  const W high = multiply_add(splat<W>(0x1.11108ca7b5dc2p-7), r, splat<W>(0x1.55573b74e0a2ap-5));
  const W p = multiply_add(multiply_add(high, r2, low), r2, r);
  // The last four bits of `shifted` are n's sixteenths, whatever its sign; scalef takes the floor of n.
  const __m512d root = _mm512_permutex2var_pd(_mm512_load_pd(sixteenths), _mm512_castpd_si512(__m512d(shifted)),
                                              _mm512_load_pd(sixteenths + 8));
  const W power = W(_mm512_maskz_scalef_pd(0xff, root, __m512d(n)));
  return multiply_add(power, p, power);
}

// Signs tell: negative where a double in binary32's normal range is so near the middle of two floats that an error of
// 2^-46 could change its rounding: the 29 bits that rounding drops are within 2^7 units (and as many again) of half.
// They lie in the lower words of both halves, which are read as one pack, in an order of their own.
ULPSCOPE_INLINE Pack<std::int32_t, 16> near_middle(Pack<double, 8> y0, Pack<double, 8> y1) {
  using U = Pack<std::uint32_t, 16>;
  constexpr std::uint32_t dropped = (1U << 29) - 1, half = 1U << 28, guard = 256;
  const U words =
      __builtin_bit_cast(U, _mm512_shuffle_ps(_mm512_castpd_ps(__m512d(y0)), _mm512_castpd_ps(__m512d(y1)), 0x88));
  const U distance = (words - (half - guard)) & dropped;
  return __builtin_bit_cast(Pack<std::int32_t, 16>, distance - (2 * guard + 1));
}

}  // namespace detail
}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
#endif
