// SPDX-License-Identifier: Apache-2.0
// Rounding to a format whose parameters are run-time constants: one branch-free text per path, for scalars and packs.
#pragma once

#include "precision/format.hpp"
#include "precision/lanes.hpp"
#include "precision/random.hpp"

namespace ulpscope::precision {

/// x rounded once to the format, any mode: the version to read. `random` decides stochastic rounding only.
double round(double x, const Format& format);
double round(double x, const Format& format, std::uint64_t random);

inline namespace ULPSCOPE_LEVEL {

/// Rounds values of a carrier (float, double, packs of them) to a format. Cheap to copy; built once, used in loops.
/// The carrier must hold every value of the format and at least one more bit, or be the format itself: `supports`.
template <class V>
class Rounder {
 public:
  using scalar = scalar_t<V>;
  using bits = typename Carrier<scalar>::bits;
  using random_type = rebind_t<V, std::uint64_t>;
  static constexpr int carrier_precision = Carrier<scalar>::precision;

  /// How a value is rounded; constant for one object, so its branches are free.
  enum class Path : std::uint8_t {
    identity,      // the carrier is the format
    integer,       // nearest even, exponent range of the carrier: add half an ulp to the encoding
    add_subtract,  // nearest even: (|x| + c) - c with c = 2^(exponent + carrier bits - p)
    any_mode
  };

  Rounder() = default;
  explicit Rounder(const Format& format);

  static bool supports(const Format& format) {
    const bool whole = format.precision == carrier_precision && format.emin == Carrier<scalar>::emin &&
                       format.emax == Carrier<scalar>::emax;
    return whole || (format.precision < carrier_precision && format.emin >= Carrier<scalar>::emin &&
                     format.emax <= Carrier<scalar>::emax);
  }

  /// x rounded to the format. Stochastic formats draw from the second form; this one uses zero bits.
  ULPSCOPE_INLINE_ON_HOST V operator()(V x) const {
    V r = x;
    if (path_ == Path::integer) {
      r = nearest_integer(x);
    } else if (path_ == Path::add_subtract) {
      r = nearest_add_subtract(x);
    } else if (path_ == Path::any_mode) {
      r = any_mode(x, nullptr);
    }
    return finish_ ? finish(r) : r;
  }
  ULPSCOPE_INLINE V operator()(V x, random_type random) const {
    if (path_ != Path::any_mode) return operator()(x);
    const V r = any_mode(x, &random);
    return finish_ ? finish(r) : r;
  }

  /// One path without its branch, for loops that choose it outside.
  template <Path path>
  ULPSCOPE_INLINE V apply(V x) const {
    if constexpr (path == Path::integer) return nearest_integer(x);
    if constexpr (path == Path::add_subtract) return nearest_add_subtract(x);
    if constexpr (path == Path::any_mode) return any_mode(x, nullptr);
    return x;
  }
  Path path() const { return path_; }
  /// True if results need nothing beyond their path (no flush; saturation only where the path does it).
  bool path_is_all() const { return !finish_; }

  /// Values below the smallest normal number become zeros of their sign: DAZ on an operand, FTZ on a result.
  ULPSCOPE_INLINE V flush(V x) const { return select(abs(x) < splat<V>(min_normal_), from_bits<V>(sign_bits(x)), x); }

 private:
  // NaN must not run into the exponent arithmetic: 0x7fffffff + 0x7fff is -0.
  ULPSCOPE_INLINE V nearest_integer(V x) const {
    const auto u = as_bits(x);
    const auto odd = (u >> drop_) & 1;
    const auto rounded = (u + (odd + half_below_)) & keep_;
    return select(is_nan(x), x + x, from_bits<V>(rounded));
  }

  // The sum's last place is the format's: c has the exponent at which the carrier's ulp is the format's ulp at |x|,
  // with the exponent of |x| clamped below at emin (subnormals). Infinite and huge |x| make a wrong c, and are
  // replaced; a NaN passes through the sum.
  ULPSCOPE_INLINE V nearest_add_subtract(V x) const {
    const V a = abs(x);
    const V c = scale_of(a);
    const V r = (a + c) - c;
    const V result = select(a >= splat<V>(threshold_), splat<V>(overflow_), r);
    return from_bits<V>(as_bits(result) | sign_bits(x));
  }
  ULPSCOPE_INLINE V scale_of(V a) const { return from_bits<V>(as_bits(binade_of(a)) + static_cast<bits>(scale_bits_)); }
  /// 2^max(exponent(a), emin); infinity for infinities and NaN.
  ULPSCOPE_INLINE V binade_of(V a) const {
    const V field = from_bits<V>(as_bits(a) & Carrier<scalar>::exponent);
    return larger_or_first(splat<V>(min_normal_), field);
  }

  /// A magnitude cut to the format: truncated + rest, exactly, and what a step up adds.
  struct Cut {
    V truncated, rest, ulp;
    mask_t<V> last_bit;
  };
  ULPSCOPE_HD V any_mode(V x, const random_type* random) const;
  ULPSCOPE_INLINE mask_t<V> goes_up(const Cut& cut, bits_t<V> sign) const;
  ULPSCOPE_HD mask_t<V> goes_up_by_chance(const Cut& cut, const random_type* random) const;
  ULPSCOPE_HD V replace_overflow(V x, V r) const;
  ULPSCOPE_HD V finish(V r) const;
  void set_overflow(const Format& format);

  Path path_ = Path::identity;
  RoundingMode mode_ = RoundingMode::nearest_even;
  bool finish_ = false, clamp_ = false, flush_ = false;
  int drop_ = 0;
  bits half_below_ = 0, keep_ = ~bits{0};
  bits scale_bits_ = 0;
  scalar threshold_ = 0, overflow_ = 0, min_normal_ = 0, max_finite_ = 0;
  scalar overflow_positive_ = 0, overflow_negative_ = 0, infinite_ = 0;  // magnitudes
  scalar ulp_scale_ = 0, add_scale_ = 0;                                 // 2^(1-p), 2^(carrier p - p)
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision

#include "precision/rounding_detail.hpp"  // IWYU pragma: export
