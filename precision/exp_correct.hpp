// SPDX-License-Identifier: Apache-2.0
// exp rounded once to any format: a fast double evaluation with a proven bound, and double-double where it cannot
// decide.
#pragma once

#include "precision/error_free.hpp"
#include "precision/exp_table.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {

/// exp(x) for a double x, |x| <= 200, as high + low with relative error below 2^-95.
ULPSCOPE_HD TwoTerm<double> exp_double_double(double x);

namespace detail {

/// Beyond this |x| every format that a double carries (emax <= 127) overflows or underflows.
inline constexpr double exp_range = 200;
/// Relative distance at which exp_in_range is enclosed; its error is below 2^-50, see there.
inline constexpr double exp_margin = 0x1p-48;

// exp on |x| <= 200 with relative error below 2^-50. x = n ln 2 + r, |r| < 0.3467 (n may be off by one where x / ln 2
// is near a half integer, which 0.3467 covers). r: n ln2_high is exact (42 + 9 bits) and so is the difference
// (Sterbenz); what follows costs 2^-54. Polynomial: 1 + r + r^2 q(r), q minimax of degree 8, 2^-51.6. Evaluation: 1 + s
// rounds once (2^-52.5 relative to >= 0.707), s and q add less than 2^-52 together.
template <class W>
ULPSCOPE_INLINE W exp_in_range(W x) {
  const W magic = splat<W>(0x1.8p52);
  const W shifted = multiply_add(x, splat<W>(0x1.71547652b82fep+0), magic);
  const W n = shifted - magic;
  const W reduced = multiply_add(n, splat<W>(-0x1.62e42fefa3800p-1), x);
  const W r = multiply_add(n, splat<W>(-0x1.ef35793c76730p-45), reduced);
  const W r2 = r * r;
  const W r4 = r2 * r2;
  const auto pair = [&](double high, double low) { return multiply_add(splat<W>(high), r, splat<W>(low)); };
  const W q01 = pair(0x1.5555555550776p-3, 0x1.ffffffffffed1p-2);
  const W q23 = pair(0x1.11111125c3b1dp-7, 0x1.555555558940fp-5);
  const W q45 = pair(0x1.a0198d1cfbaa6p-13, 0x1.6c16c0c7b40c4p-10);
  const W q67 = pair(0x1.72e95f1a90293p-19, 0x1.a01b7d0f5d997p-16);
  const W low = multiply_add(q23, r2, q01);
  const W high = multiply_add(multiply_add(splat<W>(0x1.27076f344845dp-22), r2, q67), r2, q45);
  const W q = multiply_add(high, r4, low);
  const W y = splat<W>(1) + multiply_add(q, r2, r);
  // The low bits of `shifted` hold n in two's complement; y in [0.7, 1.42) and |n| <= 289 keep the exponent normal.
  return from_bits<W>(as_bits(y) + (as_bits(shifted) << 52));
}

// Where |x| > 200 or NaN: exact at infinities, and otherwise a value far outside every format, on the right side.
template <class W>
ULPSCOPE_INLINE W exp_out_of_range(W x, W y) {
  const W endless = splat<W>(infinity());
  const W large = select(x == endless, endless, splat<W>(0x1p300));
  const W small = select(x == -endless, splat<W>(0), splat<W>(0x1p-300));
  const W inside = select(x < splat<W>(-exp_range), small, y);
  return select(is_nan(x), x + x, select(x > splat<W>(exp_range), large, inside));
}

/// exp with relative error below 2^-50 on |x| <= 200, saturating beyond.
template <class W>
ULPSCOPE_INLINE W exp_fast_double(W x) {
  // One integer comparison of |x| finds large values, infinities and NaN together.
  using I = ints_t<W>;
  const auto outside = __builtin_bit_cast(I, abs(x)) > splat<I>(__builtin_bit_cast(scalar_t<I>, exp_range));
  const W y = exp_in_range(select(outside, splat<W>(0), x));
  if (any(outside)) [[unlikely]]
    return exp_out_of_range(x, y);
  return y;
}

/// Replaces the lanes of y in which the two roundings differ by exp(x) rounded to odd from double-double.
template <class W, class R>
[[gnu::noinline, gnu::cold]] ULPSCOPE_HD W exp_decide(W x, W y, bits_t<R> a, bits_t<R> b) {
  for (int i = 0; i < lanes_v<W>; ++i) {
    if (lane(a, i) == lane(b, i)) continue;
    const TwoTerm<double> exact = exp_double_double(lane(x, i));
    set_lane(y, i, to_odd(exact.high, exact.low));
  }
  return y;
}

/// Rounds doubles to binary32 as the hardware converts them.
struct ToBinary32 {
  template <class W>
  ULPSCOPE_INLINE auto operator()(W y) const {
    return convert<rebind_t<W, float>>(y);
  }
};
}  // namespace detail

/// exp(x) rounded once by `rounding` (a function of W, monotone): both ends of an enclosure round alike, or the
/// double-double value decides. exp(x) is never a tie except exp(0) = 1 [Muller16, ch. 12].
template <class W, class F>
ULPSCOPE_INLINE auto exp_rounded(W x, F rounding) {
  const W y = detail::exp_fast_double(x);
  const auto low = rounding(y * splat<W>(1 - detail::exp_margin));  // products keep infinities
  const auto high = rounding(y * splat<W>(1 + detail::exp_margin));
  using R = std::remove_const_t<decltype(low)>;
  if (any(as_bits(low) != as_bits(high))) [[unlikely]] {
    return R(rounding(detail::exp_decide<W, R>(x, y, as_bits(low), as_bits(high))));
  }
  return R(low);
}

/// Whether a quick evaluation could not be vouched for in some lane, over many of them: a loop asks once at its end.
template <class V>
class Doubt {
 public:
  /// A lane's sign says that it cannot.
  ULPSCOPE_INLINE void note(ints_t<V> signs) { signs_ |= signs; }
  ULPSCOPE_INLINE bool any() const { return precision::any(signs_); }

 private:
  ints_t<V> signs_{};
};

/// exp(x) in binary32, correctly rounded where `doubt` notes nothing: the result is normal and not near a tie.
template <class V>
ULPSCOPE_INLINE V exp_binary32_quick(V x, Doubt<V>& doubt);

namespace detail {
/// exp in binary32 of lanes beyond +-200 or NaN; the others keep r.
template <class V>
ULPSCOPE_INLINE V exp_binary32_outside(V x, V r) {
  const V low = select(x < splat<V>(-200), splat<V>(0), r);
  const V high = select(x > splat<V>(200), splat<V>(static_cast<float>(infinity())), low);
  return select(is_nan(x), x + x, high);
}

// Both halves of a float pack at once, for their operations to overlap; one test for each rare event.
template <class V>
[[gnu::noinline, gnu::cold]] V exp_binary32_anywhere(V x) {
  using I = ints_t<V>;
  using W = half_t<V, double>;
  const auto outside = __builtin_bit_cast(I, abs(x)) > splat<I>(__builtin_bit_cast(std::int32_t, 200.0f));
  const V inside = select(outside, splat<V>(0), x);
  const W x0 = convert<W>(half<0>(inside)), x1 = convert<W>(half<1>(inside));
  const W y0 = exp_in_range(x0), y1 = exp_in_range(x1);
  const ToBinary32 round;
  const W below = splat<W>(1 - exp_margin), above = splat<W>(1 + exp_margin);
  V r = join<V>(round(y0 * below), round(y1 * below));
  const V high = join<V>(round(y0 * above), round(y1 * above));
  if (any(as_bits(r) != as_bits(high))) [[unlikely]] {
    using H = half_t<V>;
    r = join<V>(round(exp_decide<W, H>(x0, y0, as_bits(half<0>(r)), as_bits(half<0>(high)))),
                round(exp_decide<W, H>(x1, y1, as_bits(half<1>(r)), as_bits(half<1>(high)))));
  }
  return any(outside) ? exp_binary32_outside(x, r) : r;
}

// Signs tell: negative where y, a double in binary32's normal range, is so near the middle of two floats that an error
// of exp_margin could change its rounding: the 29 bits that rounding drops are within 2^5 units (and as many again) of
// half. Sign bits, not comparisons: any() reads them as they are, while GCC 12 moves masks to vectors and back.
template <class W>
ULPSCOPE_INLINE ints_t<W> beyond_middle(W y) {
  constexpr std::uint64_t dropped = (std::uint64_t{1} << 29) - 1, half = std::uint64_t{1} << 28, guard = 64;
  const auto distance = (as_bits(y) - (half - guard)) & dropped;
  return __builtin_bit_cast(ints_t<W>, distance) - (2 * static_cast<std::int64_t>(guard) + 1);
}

// Where results are normal and no lane is near a tie, the hardware's conversion decides; else exp_binary32_anywhere.
template <class V>
ULPSCOPE_INLINE V exp_binary32_pack(V x) {
  Doubt<V> doubt;
  const V y = exp_binary32_quick(x, doubt);
  if (doubt.any()) [[unlikely]]
    return exp_binary32_anywhere(x);
  return y;
}
}  // namespace detail

template <class V>
ULPSCOPE_INLINE V exp_binary32_quick(V x, Doubt<V>& doubt) {
  using I = ints_t<V>;
  using W = half_t<V, double>;
  const I inside = __builtin_bit_cast(std::int32_t, 87.0f) - __builtin_bit_cast(I, abs(x));
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64) {
    const W y0 = detail::exp_by_table(convert<W>(half<0>(x))), y1 = detail::exp_by_table(convert<W>(half<1>(x)));
    doubt.note(inside | detail::near_middle(y0, y1));
    return join<V>(detail::ToBinary32{}(y0), detail::ToBinary32{}(y1));
  }
#endif
  const W y0 = detail::exp_in_range(convert<W>(half<0>(x))), y1 = detail::exp_in_range(convert<W>(half<1>(x)));
  // The sign of a 64-bit lane is that of its upper 32 bits; the lower ones of beyond_middle have the same or none.
  const auto near = detail::beyond_middle(y0) | detail::beyond_middle(y1);
  doubt.note(inside | __builtin_bit_cast(I, near));
  return join<V>(detail::ToBinary32{}(y0), detail::ToBinary32{}(y1));
}

/// Correctly rounded exp in binary32, scalars and packs of float.
template <class V>
ULPSCOPE_INLINE V exp_binary32(V x) {
  if constexpr (lanes_v<V> == 1) {
    return exp_rounded(static_cast<double>(x), detail::ToBinary32{});
  } else {
    return detail::exp_binary32_pack(x);
  }
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision

#include "precision/exp_double_double.hpp"  // IWYU pragma: export
