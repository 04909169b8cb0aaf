// SPDX-License-Identifier: Apache-2.0
// The fp32 exponentials of SLEEF, XLA:CPU, CUDA and the C library, bit for bit, and a fast one of our own.
#pragma once

#include "precision/exp_correct.hpp"
#include "precision/lanes.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {
namespace detail {

/// 2^n for lanes of integers -126 <= n <= 127; n = -127 gives 0.
template <class V>
ULPSCOPE_INLINE V power_of_two_lanes(ints_t<V> n) {
  return __builtin_bit_cast(V, (n + 127) << 23);
}

/// u 2^n in two exact-then-rounded steps, as ldexp does, for |n| <= 252.
template <class V>
ULPSCOPE_INLINE V scale_in_two_steps(V u, ints_t<V> n) {
  const ints_t<V> half_n = n >> 1;
  return u * power_of_two_lanes<V>(half_n) * power_of_two_lanes<V>(n - half_n);
}

/// x between bounds; NaN stays.
template <class V>
ULPSCOPE_INLINE V clamp_keeping_nan(V x, float low, float high) {
  const V above = select(splat<V>(low) > x, splat<V>(low), x);
  return select(splat<V>(high) < above, splat<V>(high), above);
}

/// The largest integer <= x, |x| < 2^22.
template <class V>
ULPSCOPE_INLINE V floor_small(V x) {
  const V magic = splat<V>(0x1.8p23f);
  const V nearest = (x + magic) - magic;
  return select(nearest > x, nearest - splat<V>(1), nearest);
}

/// 2^x in double with relative error below 2^-48, |x| <= 1000.
template <class W>
ULPSCOPE_INLINE W exp2_double(W x) {
  const W magic = splat<W>(0x1.8p52);
  const W shifted = x + magic;
  const W fraction = x - (shifted - magic);
  return from_bits<W>(as_bits(exp_in_range(fraction * splat<W>(0x1.62e42fefa39efp-1))) + (as_bits(shifted) << 52));
}

/// An ideal ex2.approx.f32: 2^x correctly rounded (ties do not occur but at integers, which are exact).
template <class V>
ULPSCOPE_INLINE V ideal_ex2(V x) {
  const V bounded = clamp_keeping_nan(x, -200, 200);
  if constexpr (lanes_v<V> == 1) {
    return is_nan(x) ? x : static_cast<float>(exp2_double(static_cast<double>(bounded)));
  } else {
    using W = half_t<V, double>;
    const V y = join<V>(convert<half_t<V>>(exp2_double(convert<W>(half<0>(bounded)))),
                        convert<half_t<V>>(exp2_double(convert<W>(half<1>(bounded)))));
    return select(is_nan(x), x, y);
  }
}

/// PTX fma.rm of 252 t + 12582913 for 0 <= t <= 1: the result has unit spacing, so it is the floor of the exact value.
template <class V>
ULPSCOPE_INLINE V cuda_shifted_exponent(V t) {
  const V product = t * splat<V>(252);
  const V error = fma(t, splat<V>(252), -product);
  const V whole = floor_small(product);
  const V below = select(error < splat<V>(0), whole - splat<V>(1), whole);
  return select(product == whole, below, whole) + splat<V>(12582913);
}
}  // namespace detail

/// std::exp(float), lane by lane.
template <class V>
ULPSCOPE_HD V exp_libm(V x) {
  V y = x;
  for (int i = 0; i < lanes_v<V>; ++i) set_lane(y, i, __builtin_expf(lane(x, i)));
  return y;
}

/// SLEEF 3 Sleef_expf*_u10 with FMA [SLEEF, sleefsimdsp.c xexpf].
template <class V>
ULPSCOPE_INLINE V exp_sleef_u10(V x) {
  const V magic = splat<V>(0x1.8p23f);
  const V bounded = detail::clamp_keeping_nan(x, -150, 150);  // so that q stays small; both ends are replaced below
  const V q =
      (bounded * splat<V>(1.442695040888963407359924681001892137426645954152985934135449406931f) + magic) - magic;
  V s = fma(q, splat<V>(-0.693145751953125f), bounded);
  s = fma(q, splat<V>(-1.428606765330187045e-06f), s);
  V u = splat<V>(0.000198527617612853646278381f);
  u = fma(u, s, splat<V>(0.00139304355252534151077271f));
  u = fma(u, s, splat<V>(0.00833336077630519866943359f));
  u = fma(u, s, splat<V>(0.0416664853692054748535156f));
  u = fma(u, s, splat<V>(0.166666671633720397949219f));
  u = fma(u, s, splat<V>(0.5f));
  u = splat<V>(1) + fma(s * s, u, s);
  const V y = detail::scale_in_two_steps(u, convert<ints_t<V>>(select(is_nan(q), splat<V>(0), q)));
  const V positive = select(x < splat<V>(-104), splat<V>(0), y);
  return select(splat<V>(100) < x, splat<V>(__builtin_inff()), positive);
}

/// XLA:CPU's vectorised exp, contracted to FMA as LLVM does; results below 2^-126 are subnormal here (XLA's process
/// flushes them: give the recipe's format `:ftz`) [XLA, llvm_ir_runtime.cc].
template <class V>
ULPSCOPE_INLINE V exp_xla_cpu(V x) {
  const V input = detail::clamp_keeping_nan(x, -87.8f, 88.8f);
  const V rounded = detail::floor_small(fma(input, splat<V>(1.44269504088896341f), splat<V>(0.5f)));
  const V n = detail::clamp_keeping_nan(rounded, -127, 127);
  V r = fma(splat<V>(-0.693359375f), n, input);
  r = fma(splat<V>(2.12194440e-4f), n, r);
  V z = fma(r, splat<V>(1.9875691500e-4f), splat<V>(1.3981999507e-3f));
  z = fma(z, r, splat<V>(8.3334519073e-3f));
  z = fma(z, r, splat<V>(4.1665795894e-2f));
  z = fma(z, r, splat<V>(1.6666665459e-1f));
  z = fma(z, r, splat<V>(5.0000001201e-1f));
  z = fma(z, r * r, r);
  z = splat<V>(1) + z;
  return z * detail::power_of_two_lanes<V>(convert<ints_t<V>>(select(is_nan(n), splat<V>(0), n)));
}

/// The exp of YNNPACK as XLA:CPU links it (jaxlib 0.10), FMA but for the scaled argument; subnormals as in exp_xla_cpu.
template <class V>
ULPSCOPE_INLINE V exp_xla_ynn(V x) {
  const V v = detail::clamp_keeping_nan(x, -0x1.601e68p+6f, 0x1.62e430p+6f);
  const V n = (v * splat<V>(0x1.715476p+0f) + splat<V>(0x1.8p23f)) - splat<V>(0x1.8p23f);
  V r = fma(n, splat<V>(-0x1.62e400p-1f), v);
  r = fma(n, splat<V>(-0x1.7f7d1cp-20f), r);
  const V scale = from_bits<V>(as_bits(n + splat<V>(0x1.0000fep+23f)) << 23);
  const V z = r * r;
  V even = fma(z, splat<V>(-0x1.a24fc0p-15f), splat<V>(0x1.727958p-10f));
  even = fma(z, even, splat<V>(0x1.555328p-5f));
  even = fma(z, even, splat<V>(0x1.fffffcp-2f));
  V odd = fma(z, splat<V>(0x1.dd99d2p-13f), splat<V>(0x1.10c53cp-7f));
  odd = fma(z, odd, splat<V>(0x1.5555a4p-3f));
  const V p = fma(z, fma(r, odd, even), r);
  const V scaled = select(scale == splat<V>(static_cast<float>(infinity())), scale, fma(p, scale, scale));
  return select(is_nan(x), x, scaled);
}

/// Ours: below 1.2 ulp, gradual underflow, NaN and infinities right. Reduction as in [Cody-Waite80], degree 6.
template <class V>
ULPSCOPE_INLINE V exp_fast(V x) {
  const V bounded = detail::clamp_keeping_nan(x, -104.5f, 89);
  const V magic = splat<V>(0x1.8p23f);
  const V shifted = fma(bounded, splat<V>(0x1.715476p+0f), magic);
  const V n = shifted - magic;
  V r = fma(n, splat<V>(-0x1.62e430p-1f), bounded);
  r = fma(n, splat<V>(0x1.05c610p-29f), r);
  const V r2 = r * r;
  const V low = fma(r, splat<V>(0x1.555492p-3f), splat<V>(0x1.fffffcp-2f));
  const V middle = fma(r, splat<V>(0x1.123a20p-7f), splat<V>(0x1.5558f2p-5f));
  const V high = fma(r2, splat<V>(0x1.6a23d0p-10f), middle);
  const V q = fma(r2, high, low);
  const V y = fma(r2, q, r) + splat<V>(1);
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64) return V(_mm512_maskz_scalef_ps(0xffff, __m512(y), __m512(n)));
#endif
  const ints_t<V> exponent = __builtin_bit_cast(ints_t<V>, as_bits(shifted) << 9) >> 9;
  const V scaled = detail::scale_in_two_steps(y, exponent);
  return select(is_nan(x), x, scaled);
}

/// nvcc 13's expf (PTX: fma.rn, sat, fma.rm, ex2.approx.ftz, mul), with an ideal ex2.
template <class V>
ULPSCOPE_HD V exp_cuda(V x) {
  const V t = fma(x, splat<V>(0x1.77313ap-8f), splat<V>(0.5f));
  // cvt.sat: to [0, 1], NaN to 0.
  const V saturated = select(t > splat<V>(0), select(t > splat<V>(1), splat<V>(1), t), splat<V>(0));
  const V u = detail::cuda_shifted_exponent(saturated);
  const V n = u + splat<V>(-12583039.0f);
  V z = fma(x, splat<V>(0x1.715476p+0f), -n);
  z = fma(x, splat<V>(0x1.4ae0c0p-26f), z);
  const V scale = from_bits<V>(as_bits(u) << 23);
  const V ex2 = detail::ideal_ex2(z);
  const V flushed = select(ex2 < splat<V>(0x1p-126f), splat<V>(0), ex2);  // .ftz; keeps NaN
  return flushed * scale;
}

/// __expf without -ftz (PTX: mul.f32, ex2.approx.f32), with an ideal ex2.
template <class V>
ULPSCOPE_HD V exp_cuda_fast(V x) {
  return detail::ideal_ex2(x * splat<V>(0x1.715476p+0f));
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
