// SPDX-License-Identifier: Apache-2.0
// The slower half of Rounder: set-up, directed / odd / stochastic modes, overflow and flushing.
#pragma once

#include "precision/rounding.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {

namespace detail {
/// 2^k in the scalar's own arithmetic, exact down to its subnormals.
template <class T>
ULPSCOPE_HD T power_of_two(int k) {
  return static_cast<T>(__builtin_ldexp(1.0, k));
}
template <class T>
constexpr int scale_shift = sizeof(T) == 4 ? 64 : 512;
}  // namespace detail

template <class V>
Rounder<V>::Rounder(const Format& format) : mode_(format.mode) {
  const int p = format.precision;
  flush_ = format.flush_results;
  min_normal_ = detail::power_of_two<scalar>(format.emin);
  max_finite_ = static_cast<scalar>(format.max_finite);
  set_overflow(format);
  const bool same_exponents = format.emax == Carrier<scalar>::emax && format.emin == Carrier<scalar>::emin;
  if (p >= carrier_precision) {
    path_ = Path::identity;
    clamp_ = format.saturate;
  } else if (mode_ != RoundingMode::nearest_even) {
    path_ = Path::any_mode;
  } else if (same_exponents) {
    path_ = Path::integer;
    clamp_ = format.saturate || format.special != Special::ieee;
  } else {
    path_ = Path::add_subtract;
  }
  finish_ = flush_ || clamp_;
  drop_ = p < carrier_precision ? carrier_precision - p : 0;
  half_below_ = drop_ > 0 ? (bits{1} << (drop_ - 1)) - 1 : 0;
  keep_ = ~((bits{1} << drop_) - 1);
  scale_bits_ = static_cast<bits>(drop_) << (carrier_precision - 1);
  ulp_scale_ = detail::power_of_two<scalar>(1 - p);
  add_scale_ = detail::power_of_two<scalar>(drop_);
}

/// What an overflowing or infinite value becomes, by mode and sign, and the smallest |x| that overflows to nearest
/// even.
template <class V>
void Rounder<V>::set_overflow(const Format& format) {
  const scalar endless = static_cast<scalar>(infinity());
  const bool clamps = format.saturate || format.special == Special::none;
  infinite_ = clamps ? max_finite_ : format.special == Special::ieee ? endless : static_cast<scalar>(__builtin_nan(""));
  const bool cuts = mode_ == RoundingMode::toward_zero || mode_ == RoundingMode::odd;
  overflow_ = cuts ? max_finite_ : infinite_;
  overflow_positive_ = mode_ == RoundingMode::down ? max_finite_ : overflow_;
  overflow_negative_ = mode_ == RoundingMode::up ? max_finite_ : overflow_;
  const double half_ulp = __builtin_ldexp(1.0, format.emax - format.precision);
  threshold_ = static_cast<scalar>(format.max_finite + half_ulp);
  // A tie with an even last finite value (448 in E4M3) stays finite: the next carrier value is the first to overflow.
  const double last_place = format.max_finite / (2 * half_ulp);
  const bool even = static_cast<std::int64_t>(last_place) % 2 == 0;
  if (even) threshold_ = __builtin_bit_cast(scalar, static_cast<bits>(__builtin_bit_cast(bits, threshold_) + 1));
}

/// Whether the magnitude steps from `truncated` to `truncated + ulp`.
template <class V>
ULPSCOPE_INLINE mask_t<V> Rounder<V>::goes_up(const Cut& cut, bits_t<V> sign) const {
  using M = mask_t<V>;
  const V zero = splat<V>(0);
  const V twice = cut.rest + cut.rest;
  const M inexact = static_cast<M>(cut.rest > zero);
  const M negative = static_cast<M>(sign != splat<bits_t<V>>(0));
  switch (mode_) {
    case RoundingMode::nearest_even: {
      const M tie = static_cast<M>(twice == cut.ulp);
      return static_cast<M>(static_cast<M>(twice > cut.ulp) | (tie & cut.last_bit));
    }
    case RoundingMode::nearest_away:
      return static_cast<M>(twice >= cut.ulp);
    case RoundingMode::down:
      return static_cast<M>(inexact & negative);
    case RoundingMode::up:
      return static_cast<M>(inexact & static_cast<M>(sign == splat<bits_t<V>>(0)));
    case RoundingMode::odd:
      return static_cast<M>(inexact & static_cast<M>(cut.last_bit == M{}));
    default:
      return M{};
  }
}

/// Up with probability rest / ulp, by 53 uniform bits. The quotient by a power of two is exact.
template <class V>
ULPSCOPE_HD mask_t<V> Rounder<V>::goes_up_by_chance(const Cut& cut, const random_type* random) const {
  using M = mask_t<V>;
  M up{};
  for (int i = 0; i < lanes_v<V>; ++i) {
    const double fraction = static_cast<double>(lane(cut.rest, i) / lane(cut.ulp, i));
    const double uniform = random == nullptr ? 0 : static_cast<double>(lane(*random, i) >> 11) * 0x1p-53;
    set_lane(up, i, fraction > uniform ? static_cast<scalar_t<M>>(~scalar_t<ints_t<V>>{0}) : scalar_t<M>{0});
  }
  return up;
}

// |x| >= 2 is scaled down by a power of two, so that neither c nor the rounded value overflows the carrier.
template <class V>
ULPSCOPE_HD V Rounder<V>::any_mode(V x, const random_type* random) const {
  const V a = abs(x);
  const auto large = a >= splat<V>(2);
  const V one = splat<V>(1);
  const V down = select(large, splat<V>(detail::power_of_two<scalar>(-detail::scale_shift<scalar>)), one);
  const V back = select(large, splat<V>(detail::power_of_two<scalar>(detail::scale_shift<scalar>)), one);
  const V top = binade_of(a) * down;
  const V scaled = a * down;
  const V ulp = top * splat<V>(ulp_scale_);
  const V c = top * splat<V>(add_scale_);
  const V near = (scaled + c) - c;
  const V truncated = select(near > scaled, near - ulp, near);
  const auto last_bit = (as_bits(truncated + c) & 1) != splat<bits_t<V>>(0);
  const Cut cut{truncated, scaled - truncated, ulp, static_cast<mask_t<V>>(last_bit)};
  const bool by_chance = mode_ == RoundingMode::stochastic;
  const mask_t<V> up = by_chance ? goes_up_by_chance(cut, random) : goes_up(cut, sign_bits(x));
  const V r = select(up, truncated + ulp, truncated) * back;
  return from_bits<V>(as_bits(replace_overflow(x, r)) | sign_bits(x));
}

template <class V>
ULPSCOPE_HD V Rounder<V>::replace_overflow(V x, V r) const {
  const auto negative = sign_bits(x) == Carrier<scalar>::sign;
  const V beyond = select(negative, splat<V>(overflow_negative_), splat<V>(overflow_positive_));
  const V finite = select(r > splat<V>(max_finite_), beyond, r);
  return select(abs(x) == splat<V>(static_cast<scalar>(infinity())), splat<V>(infinite_), finite);
}

template <class V>
ULPSCOPE_HD V Rounder<V>::finish(V r) const {
  if (clamp_) {
    const V bound = from_bits<V>(as_bits(splat<V>(overflow_)) | sign_bits(r));
    r = select(abs(r) > splat<V>(max_finite_), bound, r);
  }
  return flush_ ? flush(r) : r;
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
