// SPDX-License-Identifier: Apache-2.0
// exp of an enclosure: double-double by a table of 2^(j / 64), with a proven bound. See enclosed.md.
#pragma once

#include <cstddef>

#include "precision/enclosed_number.hpp"
#include "precision/error_free.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {

/// 2^(j / 64) as double-double.
inline constexpr double exp_sixty_fourths[64][2] = {
    {0x1.0000000000000p+0, 0x0.0p+0},
    {0x1.02c9a3e778061p+0, -0x1.19083535b085dp-56},
    {0x1.059b0d3158574p+0, 0x1.d73e2a475b465p-55},
    {0x1.0874518759bc8p+0, 0x1.186be4bb284ffp-57},
    {0x1.0b5586cf9890fp+0, 0x1.8a62e4adc610bp-54},
    {0x1.0e3ec32d3d1a2p+0, 0x1.03a1727c57b53p-59},
    {0x1.11301d0125b51p+0, -0x1.6c51039449b3ap-54},
    {0x1.1429aaea92de0p+0, -0x1.32fbf9af1369ep-54},
    {0x1.172b83c7d517bp+0, -0x1.19041b9d78a76p-55},
    {0x1.1a35beb6fcb75p+0, 0x1.e5b4c7b4968e4p-55},
    {0x1.1d4873168b9aap+0, 0x1.e016e00a2643cp-54},
    {0x1.2063b88628cd6p+0, 0x1.dc775814a8495p-55},
    {0x1.2387a6e756238p+0, 0x1.9b07eb6c70573p-54},
    {0x1.26b4565e27cddp+0, 0x1.2bd339940e9d9p-55},
    {0x1.29e9df51fdee1p+0, 0x1.612e8afad1255p-55},
    {0x1.2d285a6e4030bp+0, 0x1.0024754db41d5p-54},
    {0x1.306fe0a31b715p+0, 0x1.6f46ad23182e4p-55},
    {0x1.33c08b26416ffp+0, 0x1.32721843659a6p-54},
    {0x1.371a7373aa9cbp+0, -0x1.63aeabf42eae2p-54},
    {0x1.3a7db34e59ff7p+0, -0x1.5e436d661f5e3p-56},
    {0x1.3dea64c123422p+0, 0x1.ada0911f09ebcp-55},
    {0x1.4160a21f72e2ap+0, -0x1.ef3691c309278p-58},
    {0x1.44e086061892dp+0, 0x1.89b7a04ef80d0p-59},
    {0x1.486a2b5c13cd0p+0, 0x1.3c1a3b69062f0p-56},
    {0x1.4bfdad5362a27p+0, 0x1.d4397afec42e2p-56},
    {0x1.4f9b2769d2ca7p+0, -0x1.4b309d25957e3p-54},
    {0x1.5342b569d4f82p+0, -0x1.07abe1db13cadp-55},
    {0x1.56f4736b527dap+0, 0x1.9bb2c011d93adp-54},
    {0x1.5ab07dd485429p+0, 0x1.6324c054647adp-54},
    {0x1.5e76f15ad2148p+0, 0x1.ba6f93080e65ep-54},
    {0x1.6247eb03a5585p+0, -0x1.383c17e40b497p-54},
    {0x1.6623882552225p+0, -0x1.bb60987591c34p-54},
    {0x1.6a09e667f3bcdp+0, -0x1.bdd3413b26456p-54},
    {0x1.6dfb23c651a2fp+0, -0x1.bbe3a683c88abp-57},
    {0x1.71f75e8ec5f74p+0, -0x1.16e4786887a99p-55},
    {0x1.75feb564267c9p+0, -0x1.0245957316dd3p-54},
    {0x1.7a11473eb0187p+0, -0x1.41577ee04992fp-55},
    {0x1.7e2f336cf4e62p+0, 0x1.05d02ba15797ep-56},
    {0x1.82589994cce13p+0, -0x1.d4c1dd41532d8p-54},
    {0x1.868d99b4492edp+0, -0x1.fc6f89bd4f6bap-54},
    {0x1.8ace5422aa0dbp+0, 0x1.6e9f156864b27p-54},
    {0x1.8f1ae99157736p+0, 0x1.5cc13a2e3976cp-55},
    {0x1.93737b0cdc5e5p+0, -0x1.75fc781b57ebcp-57},
    {0x1.97d829fde4e50p+0, -0x1.d185b7c1b85d1p-54},
    {0x1.9c49182a3f090p+0, 0x1.c7c46b071f2bep-56},
    {0x1.a0c667b5de565p+0, -0x1.359495d1cd533p-54},
    {0x1.a5503b23e255dp+0, -0x1.d2f6edb8d41e1p-54},
    {0x1.a9e6b5579fdbfp+0, 0x1.0fac90ef7fd31p-54},
    {0x1.ae89f995ad3adp+0, 0x1.7a1cd345dcc81p-54},
    {0x1.b33a2b84f15fbp+0, -0x1.2805e3084d708p-57},
    {0x1.b7f76f2fb5e47p+0, -0x1.5584f7e54ac3bp-56},
    {0x1.bcc1e904bc1d2p+0, 0x1.23dd07a2d9e84p-55},
    {0x1.c199bdd85529cp+0, 0x1.11065895048ddp-55},
    {0x1.c67f12e57d14bp+0, 0x1.2884dff483cadp-54},
    {0x1.cb720dcef9069p+0, 0x1.503cbd1e949dbp-56},
    {0x1.d072d4a07897cp+0, -0x1.cbc3743797a9cp-54},
    {0x1.d5818dcfba487p+0, 0x1.2ed02d75b3707p-55},
    {0x1.da9e603db3285p+0, 0x1.c2300696db532p-54},
    {0x1.dfc97337b9b5fp+0, -0x1.1a5cd4f184b5cp-54},
    {0x1.e502ee78b3ff6p+0, 0x1.39e8980a9cc8fp-55},
    {0x1.ea4afa2a490dap+0, -0x1.e9c23179c2893p-54},
    {0x1.efa1bee615a27p+0, 0x1.dc7f486a4b6b0p-54},
    {0x1.f50765b6e4540p+0, 0x1.9d3e12dd8a18bp-54},
    {0x1.fa7c1819e90d8p+0, 0x1.74853f3a5931ep-55},
};

namespace detail {

/// Relative error of exp_of: proven below 2^-103.
inline constexpr double exp_error = 0x1p-103;
/// Below -746 exp is less than half the least double; from 709 on it may be beyond the largest.
inline constexpr double exp_least = -746, exp_most = 709;
/// Where both terms of exp scale exactly.
inline constexpr double exp_normal = -600;

// x = k ln2/64 + r, |r| < 0.00542. ln2/64 in pieces of 33, 33 and 53 bits: k (17 bits) times the first two is exact,
// and so is the difference with the first.
template <class W>
ULPSCOPE_INLINE TwoTerm<W> reduce_to_table(W high, W low, W k) {
  const W difference = high - k * splat<W>(0x1.62e42fef80000p-7);
  const TwoTerm<W> front = two_sum(difference, k * splat<W>(-0x1.1cf79abc80000p-42));
  const TwoTerm<W> third = two_prod(k, splat<W>(-0x1.e3b39803f2f6bp-78));
  const TwoTerm<W> back = two_sum(low, third.high);
  return add(front, fast_two_sum(back.high, back.low + third.low));
}

// Double-double a + b for |a| >= |b|, relative error below 4 * 2^-106: an exact sum, and two roundings of sums of lows.
template <class W>
ULPSCOPE_INLINE TwoTerm<W> add_smaller(TwoTerm<W> a, TwoTerm<W> b) {
  const TwoTerm<W> s = fast_two_sum(a.high, b.high);
  return fast_two_sum(s.high, s.low + (a.low + b.low));
}

// expm1(r) by Taylor to degree 11, whose remainder is below 2^-118; from degree 6 on, doubles suffice.
template <class W>
ULPSCOPE_INLINE TwoTerm<W> expm1_reduced(TwoTerm<W> r) {
  const auto is = [](double high, double low) { return TwoTerm<W>{splat<W>(high), splat<W>(low)}; };
  const W x = r.high;
  const W x2 = x * x;
  const W h89 = splat<W>(0x1.71de3a556c734p-19) + x * splat<W>(0x1.27e4fb7789f5cp-22);
  const W h67 = splat<W>(0x1.a01a01a01a01ap-13) + x * splat<W>(0x1.a01a01a01a01ap-16);
  const W tail = h67 + x2 * (h89 + x2 * splat<W>(0x1.ae64567f544e4p-26));
  const W h = splat<W>(0x1.6c16c16c16c17p-10) + x * tail;
  TwoTerm<W> q = add_smaller(is(0x1.1111111111111p-7, 0x1.1111111111111p-63), {x * h, splat<W>(0)});
  q = add_smaller(is(0x1.5555555555555p-5, 0x1.5555555555555p-59), mul(q, r));
  q = add_smaller(is(0x1.5555555555555p-3, 0x1.5555555555555p-57), mul(q, r));
  q = add_smaller(is(0.5, 0), mul(q, r));
  return add_smaller(r, mul(mul(r, r), q));
}

/// value * 2^exponent, the exponent modulo 2^12.
template <class W>
struct ScaledExp {
  TwoTerm<W> value;
  bits_t<W> exponent;
};
template <class W>
ULPSCOPE_INLINE W two_to(bits_t<W> exponent) {
  return from_bits<W>((exponent + 1023) << 52);
}

// exp(high + low) with relative error below exp_error, |high| <= 746.
template <class W>
ULPSCOPE_INLINE ScaledExp<W> exp_of(W high, W low) {
  const W magic = splat<W>(0x1.8p52);
  const W shifted = high * splat<W>(0x1.71547652b82fep+6) + magic;  // its low bits are k in two's complement
  const bits_t<W> bits = as_bits(shifted);
  double table_high[lanes_v<W>], table_low[lanes_v<W>];
  for (int i = 0; i < lanes_v<W>; ++i) {
    const std::uint64_t j = lane(bits, i) & 63;
    table_high[i] = exp_sixty_fourths[j][0];
    table_low[i] = exp_sixty_fourths[j][1];
  }
  const TwoTerm<W> table{load<W>(table_high), load<W>(table_low)};
  const TwoTerm<W> tail = expm1_reduced(reduce_to_table(high, low, shifted - magic));
  return {add_smaller(table, mul(table, tail)), bits >> 6};
}

/// Where exp leaves the range in which it scales exactly, or has no number to start from.
[[gnu::cold]] inline Enclosed exp_at_ends(const Enclosed& a) {
  if (is_unknown(a)) return anything();
  if (!is_finite(a)) return Enclosed(std::exp(a.high));
  const double most = upper(a);
  if (!(most < exp_most)) return any_real();
  // Positive, below every format.
  if (most < exp_least) return {0x1p-1074, 0, 0x1p-1074};
  if (a.high < exp_least) return {0, 0, std::exp(most) * (1 + 0x1p-40) + eta};
  const ScaledExp<double> e = exp_of(a.high, a.low);
  const bool small = a.high < exp_normal;  // two steps: the first is exact, the second rounds among subnormals
  const double scale = two_to<double>(e.exponent + (small ? 500 : 0)), rest = small ? 0x1p-500 : 1;
  const double high = e.value.high * scale * rest;
  const TwoTerm<double> sum = two_sum(high, e.value.low * scale * rest);
  const double spread = a.radius == 0 ? 0 : std::fmax(std::exp(most) * (1 + 0x1p-40) - high, high);
  return {sum.high, sum.low, (high * exp_error + spread) * grow + 0x1p-1071};
}

/// exp of numbers that scale exactly; W: a double or a pack.
template <class W>
struct EnclosedPack {
  W high, low, radius;
};
template <class W>
ULPSCOPE_INLINE EnclosedPack<W> exp_in_range(const EnclosedPack<W>& a) {
  const ScaledExp<W> e = exp_of(a.high, a.low);
  const W scale = two_to<W>(e.exponent);
  const W high = e.value.high * scale;
  const W spread = a.radius * (splat<W>(1) + a.radius);  // exp(r) - 1 <= r + r^2 for 0 <= r <= 1
  const W radius = high * (splat<W>(exp_error) + spread * splat<W>(grow)) * splat<W>(grow);
  const W zero = splat<W>(0);
  return {high, e.value.low * scale, select(a.high == zero, select(a.radius == zero, zero, radius), radius)};
}

ULPSCOPE_INLINE bool exp_scales(const Enclosed& a) {
  return a.high > exp_normal && a.high < exp_most && a.radius <= 0.5;
}

}  // namespace detail

/// exp of every number that `a` holds. exp(0) = 1 exactly.
ULPSCOPE_INLINE Enclosed exp_enclosed(const Enclosed& a) {
  if (!detail::exp_scales(a)) [[unlikely]]
    return detail::exp_at_ends(a);
  const auto e = detail::exp_in_range<double>({a.high, a.low, a.radius});
  return {e.high, e.low, e.radius};
}

/// The same for as many numbers as a pack has lanes, with the same bits.
inline constexpr int exp_lanes = native_lanes<double>;
ULPSCOPE_INLINE void exp_enclosed_pack(const Enclosed* from, std::ptrdiff_t from_stride, Enclosed* to,
                                       std::ptrdiff_t to_stride) {
  using W = NativePack<double>;
  detail::EnclosedPack<W> a{splat<W>(0), splat<W>(0), splat<W>(0)};
  bool scales = true;
  for (int i = 0; i < exp_lanes; ++i) {
    const Enclosed& x = from[i * from_stride];
    set_lane(a.high, i, x.high);
    set_lane(a.low, i, x.low);
    set_lane(a.radius, i, x.radius);
    scales = scales && detail::exp_scales(x);
  }
  if (!scales) [[unlikely]] {
    for (int i = 0; i < exp_lanes; ++i) to[i * to_stride] = exp_enclosed(from[i * from_stride]);
    return;
  }
  const auto e = detail::exp_in_range(a);
  for (int i = 0; i < exp_lanes; ++i) to[i * to_stride] = Enclosed(lane(e.high, i), lane(e.low, i), lane(e.radius, i));
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
