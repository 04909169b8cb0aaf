// SPDX-License-Identifier: Apache-2.0
// Interval arithmetic over MPFR, rounded outward: an independent check of enclosures. Heavy: include from few sources.
#pragma once

#include "precision/enclosed_number.hpp"
#include "precision/real.hpp"

namespace ulpscope::precision {

/// All real numbers from low to high. An infinity or a NaN is low = high; any real number is [-inf, inf]; NaN below and
/// inf above may be anything.
struct Interval {
  Real low = 0;
  Real high = 0;

  Interval() = default;
  explicit Interval(double x) : low(x), high(x) {}
  Interval(Real l, Real h) : low(std::move(l)), high(std::move(h)) {}
  explicit operator double() const { return static_cast<double>(Real((low + high) / 2)); }
};

namespace detail {

enum class Outward : std::uint8_t { down, up };
template <Outward way>
inline constexpr mpfr_rnd_t direction = way == Outward::down ? MPFR_RNDD : MPFR_RNDU;

/// function(result, operands..., direction) of MPFR.
template <Outward way, class Function, class... Operands>
Real directed(Function function, const Operands&... operands) {
  Real result;
  function(result.backend().data(), operands.backend().data()..., direction<way>);
  return result;
}

inline bool is_regular(const Interval& x) { return isfinite(x.low) && isfinite(x.high); }

/// What classes need to know: the class, or the sign, or that it may be 0.
inline Enclosed class_of(const Interval& x) {
  if (isnan(x.low)) return isnan(x.high) ? Enclosed(__builtin_nan("")) : anything();
  if (x.low == x.high) return Enclosed(isinf(x.low) ? static_cast<double>(x.low) : (x.low > 0) - (x.low < 0));
  if (isinf(x.low)) return any_real();
  if (x.low > 0 || x.high < 0) return Enclosed(x.low > 0 ? 1 : -1);
  return {0, 0, 1};
}
/// The class that a decision about classes gave.
inline Interval of_class(const Enclosed& x) {
  if (is_unknown(x)) return {Real(x.high), Real(infinity())};
  return x.radius == 0 ? Interval(x.high) : Interval{Real(-infinity()), Real(infinity())};
}

}  // namespace detail

/// Operations of Interval; what its bounds cannot decide is decided by classes, as for EnclosedArithmetic.
class IntervalArithmetic {
 public:
  using value_type = Interval;
  using scalar_type = Interval;
  using mask_type = bool;
  static constexpr int lanes = 1;

  IntervalArithmetic() { use_widest_exponents(); }
  explicit IntervalArithmetic(const Format&) { use_widest_exponents(); }

  Interval add(const Interval& a, const Interval& b) const {
    if (!detail::is_regular(a) || !detail::is_regular(b))
      return by_class(detail::add_classes(detail::class_of(a), detail::class_of(b)));
    return {detail::directed<down>(mpfr_add, a.low, b.low), detail::directed<up>(mpfr_add, a.high, b.high)};
  }
  Interval sub(const Interval& a, const Interval& b) const { return add(a, neg(b)); }

  Interval mul(const Interval& a, const Interval& b) const {
    if (!detail::is_regular(a) || !detail::is_regular(b))
      return by_class(detail::mul_classes(detail::class_of(a), detail::class_of(b)));
    Interval result{detail::directed<down>(mpfr_mul, a.low, b.low), detail::directed<up>(mpfr_mul, a.low, b.low)};
    widen(result, a.low, b.high);
    widen(result, a.high, b.low);
    widen(result, a.high, b.high);
    return result;
  }

  Interval div(const Interval& a, const Interval& b) const {
    const bool through_zero = b.low <= 0 && b.high >= 0;
    if (!detail::is_regular(a) || !detail::is_regular(b) || through_zero)
      return by_class(detail::div_classes(detail::class_of(a), detail::class_of(b)));
    const Real one(1);
    return mul(a, {detail::directed<down>(mpfr_div, one, b.high), detail::directed<up>(mpfr_div, one, b.low)});
  }

  Interval fma(const Interval& a, const Interval& b, const Interval& c) const { return add(mul(a, b), c); }
  Interval sqrt(const Interval& a) const {
    if (!detail::is_regular(a) || a.low < 0) return by_class(detail::sqrt_classes(detail::class_of(a)));
    return {detail::directed<down>(mpfr_sqrt, a.low), detail::directed<up>(mpfr_sqrt, a.high)};
  }
  Interval exp(const Interval& a) const {
    use_widest_exponents();  // of the thread that computes, which may not be the one that built this object
    if (isnan(a.low)) return a;
    return {detail::directed<down>(mpfr_exp, a.low), detail::directed<up>(mpfr_exp, a.high)};
  }
  Interval log(const Interval& a) const {
    if (!detail::is_regular(a) || a.low <= 0) return by_class(detail::log_classes(detail::class_of(a)));
    return {detail::directed<down>(mpfr_log, a.low), detail::directed<up>(mpfr_log, a.high)};
  }
  Interval round(const Interval& a) const { return a; }
  Interval neg(const Interval& a) const { return isnan(a.low) ? a : Interval{-a.high, -a.low}; }
  Interval from(double x) const { return Interval(x); }

  static Interval constant(double x) { return Interval(x); }
  static Interval max(const Interval& a, const Interval& b) {
    if (isnan(a.low) || isnan(b.low)) return by_class(detail::max_classes(detail::class_of(a), detail::class_of(b)));
    return {b.low > a.low ? b.low : a.low, b.high > a.high ? b.high : a.high};
  }
  static Interval select(bool mask, const Interval& a, const Interval& b) { return mask ? a : b; }
  /// Certainly less; certainly equal.
  static bool less(const Interval& a, const Interval& b) { return a.high < b.low; }
  static bool equal(const Interval& a, const Interval& b) {
    return a.low == a.high && b.low == b.high && a.low == b.low;
  }
  static bool is_nan(const Interval& a) { return isnan(a.high); }

 private:
  static constexpr detail::Outward down = detail::Outward::down, up = detail::Outward::up;
  static Interval by_class(const Enclosed& x) { return detail::of_class(x); }
  static void widen(Interval& result, const Real& x, const Real& y) {
    const Real low = detail::directed<down>(mpfr_mul, x, y), high = detail::directed<up>(mpfr_mul, x, y);
    if (low < result.low) result.low = low;
    if (high > result.high) result.high = high;
  }
};

}  // namespace ulpscope::precision
