// SPDX-License-Identifier: Apache-2.0
// The number that EnclosedArithmetic computes with, its classes, and what operations give where a class decides.
#pragma once

#include <cmath>
#include <cstdint>

#include "precision/lanes_core.hpp"

namespace ulpscope::precision {

/// The real numbers within `radius` of high + low, |low| <= ulp(high) / 2. An infinite or NaN `high` is that class,
/// with low 0 and radius 0; NaN with an infinite radius may be anything; a finite one with an infinite radius is any
/// real number. One type for all SIMD levels, as double is.
struct Enclosed {
  double high = 0;
  double low = 0;
  double radius = 0;

  ULPSCOPE_INLINE constexpr Enclosed() = default;
  ULPSCOPE_INLINE explicit constexpr Enclosed(double x) : high(x) {}
  ULPSCOPE_INLINE constexpr Enclosed(double h, double l, double r) : high(h), low(l), radius(r) {}
  /// The nearest double to the middle.
  ULPSCOPE_INLINE explicit constexpr operator double() const { return high; }
};

inline namespace ULPSCOPE_LEVEL {

namespace detail {
/// Above what a dozen roundings of non-negative terms can lose, and its counterpart.
inline constexpr double grow = 1 + 0x1p-48;
inline constexpr double shrink = 1 - 0x1p-48;
/// Above what the same terms can lose to underflow: 2^-1075 each.
inline constexpr double eta = 0x1p-1068;
/// Above this the error of a product of two doubles is a double.
inline constexpr double product_floor = 0x1p-960;
}  // namespace detail

/// A finite number of which nothing else is known.
ULPSCOPE_INLINE constexpr Enclosed any_real() { return {0, 0, infinity()}; }
/// Not even its class is known.
ULPSCOPE_INLINE constexpr Enclosed anything() { return {__builtin_nan(""), 0, infinity()}; }
ULPSCOPE_INLINE bool is_unknown(const Enclosed& a) { return a.high != a.high && a.radius != 0; }
ULPSCOPE_INLINE bool is_finite(const Enclosed& a) { return std::fabs(a.high) < infinity(); }
ULPSCOPE_INLINE bool is_exactly_zero(const Enclosed& a) { return a.high == 0 && a.low == 0 && a.radius == 0; }

/// Doubles that no number of the enclosure is below, above, or larger than in magnitude.
ULPSCOPE_INLINE double lower(const Enclosed& a) {
  const double below = (std::fabs(a.low) + a.radius) * detail::grow;
  if (below == 0 || !is_finite(a)) return a.high;
  return (a.high - below) - std::fabs(a.high) * 0x1p-51 - detail::eta;
}
ULPSCOPE_INLINE double upper(const Enclosed& a) { return -lower({-a.high, -a.low, a.radius}); }
ULPSCOPE_INLINE double magnitude(const Enclosed& a) {
  return ((std::fabs(a.high) + std::fabs(a.low)) + a.radius) * detail::grow;
}
ULPSCOPE_INLINE bool may_be_zero(const Enclosed& a) { return lower(a) <= 0 && upper(a) >= 0; }

/// The smallest enclosure found of all that two finite ones hold.
ULPSCOPE_INLINE Enclosed hull(const Enclosed& a, const Enclosed& b) {
  const double low = std::fmin(lower(a), lower(b)), high = std::fmax(upper(a), upper(b));
  const double middle = low / 2 + high / 2;
  if (low == high) return a;
  const double radius = std::fmax(middle - low, high - middle) * detail::grow + detail::eta;
  return radius < infinity() ? Enclosed{middle, 0, radius} : any_real();
}

namespace detail {

/// What rounds to 0 and is not: its sign stays.
ULPSCOPE_INLINE Enclosed below_double(double signed_zero, double radius) {
  return {std::copysign(0x1p-1074, signed_zero), 0, radius + 0x1p-1074};
}

[[gnu::cold]] inline Enclosed add_classes(const Enclosed& a, const Enclosed& b) {
  if (is_unknown(a) || is_unknown(b)) return anything();
  if (is_finite(a) && is_finite(b)) return any_real();
  return Enclosed(a.high + b.high);
}

[[gnu::cold]] inline Enclosed mul_classes(const Enclosed& a, const Enclosed& b) {
  if (is_unknown(a) || is_unknown(b)) return anything();
  if (is_finite(a) && is_finite(b)) {
    return is_exactly_zero(a) || is_exactly_zero(b) ? Enclosed(0.0) : any_real();
  }
  const auto undecided = [](const Enclosed& finite) {
    return is_finite(finite) && !is_exactly_zero(finite) && may_be_zero(finite);
  };
  const bool nan = a.high != a.high || b.high != b.high;
  return !nan && (undecided(a) || undecided(b)) ? anything() : Enclosed(a.high * b.high);
}

[[gnu::cold]] inline Enclosed div_classes(const Enclosed& a, const Enclosed& b) {
  if (is_unknown(a) || is_unknown(b)) return anything();
  if (a.high != a.high || b.high != b.high) return Enclosed(a.high + b.high);
  if (!is_finite(b)) return Enclosed(is_finite(a) ? std::copysign(0.0, a.high) / b.high : __builtin_nan(""));
  if (is_exactly_zero(b)) {
    const bool undecided = is_finite(a) && !is_exactly_zero(a) && may_be_zero(a);
    return undecided ? anything() : Enclosed(a.high / b.high);
  }
  if (may_be_zero(b)) return anything();
  return is_finite(a) ? any_real() : Enclosed(b.high > 0 ? a.high : -a.high);
}

[[gnu::cold]] inline Enclosed sqrt_classes(const Enclosed& a) {
  if (is_unknown(a)) return anything();
  if (is_exactly_zero(a) || !is_finite(a)) return Enclosed(std::sqrt(a.high));
  return upper(a) < 0 ? Enclosed(__builtin_nan("")) : anything();
}

[[gnu::cold]] inline Enclosed log_classes(const Enclosed& a) {
  if (is_unknown(a)) return anything();
  if (is_exactly_zero(a) || !is_finite(a)) return Enclosed(std::log(a.high));
  return upper(a) < 0 ? Enclosed(__builtin_nan("")) : anything();
}

[[gnu::cold]] inline Enclosed max_classes(const Enclosed& a, const Enclosed& b) {
  if (is_unknown(a) || is_unknown(b)) return anything();
  if (a.high != a.high || b.high != b.high) return Enclosed(__builtin_nan(""));
  return a.high > b.high ? a : b;
}

}  // namespace detail
}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
