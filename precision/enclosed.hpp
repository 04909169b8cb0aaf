// SPDX-License-Identifier: Apache-2.0
// Arithmetic that carries its own error: a double-double and a radius that holds the exact result. See enclosed.md.
#pragma once

#include "precision/arithmetic.hpp"
#include "precision/enclosed_number.hpp"
#include "precision/error_free.hpp"
#include "precision/exp_enclosed.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {

/// What a comparison of two enclosures tells.
enum class Decision : std::uint8_t { no, yes, unknown };

/// Every result holds what the operation gives for any numbers that its operands hold. Classes first: where an operand
/// is infinite or NaN the result is what IEEE 754 says (0 * inf is NaN), and a finite result beyond double is
/// any_real(). Exact operations have radius 0. The format given to the constructor is ignored; `round` is the identity.
class EnclosedArithmetic {
 public:
  using value_type = Enclosed;
  using scalar_type = Enclosed;
  using mask_type = Decision;
  static constexpr int lanes = 1;

  EnclosedArithmetic() = default;
  explicit EnclosedArithmetic(const Format&) {}

  ULPSCOPE_INLINE Enclosed add(const Enclosed& a, const Enclosed& b) const {
    const TwoTerm<double> s = two_sum(a.high, b.high);
    const TwoTerm<double> t = two_sum(a.low, b.low);
    const TwoTerm<double> c = two_sum(s.low, t.high);
    const TwoTerm<double> v = two_sum(s.high, c.high);
    const TwoTerm<double> w = two_sum(t.low, v.low);
    const TwoTerm<double> z = two_sum(v.high, w.high);
    const double lost = std::fabs(c.low) + std::fabs(w.low);  // all that six exact sums leave out
    const double radius = (a.radius + b.radius + lost) * detail::grow;
    if (!(std::fabs(z.high) < infinity() && radius < infinity())) [[unlikely]]
      return detail::add_classes(a, b);
    return {z.high, z.low, radius};
  }
  ULPSCOPE_INLINE Enclosed sub(const Enclosed& a, const Enclosed& b) const { return add(a, neg(b)); }

  ULPSCOPE_INLINE Enclosed mul(const Enclosed& a, const Enclosed& b) const {
    const TwoTerm<double> p = two_prod(a.high, b.high);
    const double c1 = a.low * b.high, c2 = a.high * b.low;
    const double c = c1 + c2;
    const double s = p.low + c;
    const TwoTerm<double> z = two_sum(p.high, s);
    const double rounded = std::fabs(c1) + std::fabs(c2) + std::fabs(c) + std::fabs(s);
    const double lost = 0x1p-53 * rounded + std::fabs(a.low * b.low);
    const double spread = std::fabs(a.high) * b.radius + (std::fabs(b.high) + b.radius) * a.radius;
    const bool tiny = std::fabs(p.high) < detail::product_floor && a.high != 0 && b.high != 0;
    const bool zero = is_exactly_zero(a) || is_exactly_zero(b);
    const bool exact = zero || (a.low == 0 && b.low == 0 && a.radius == 0 && b.radius == 0 && !tiny);
    const double radius = exact ? 0 : (lost + spread) * detail::grow + detail::eta;
    if (!(std::fabs(z.high) < infinity() && radius < infinity())) [[unlikely]]
      return detail::mul_classes(a, b);
    if (tiny && z.high == 0) [[unlikely]]
      return detail::below_double(p.high, radius);
    return {z.high, z.low, radius};
  }

  /// |a / b - q| = |a - q b| / |b|, and add and mul enclose the residual.
  Enclosed div(const Enclosed& a, const Enclosed& b) const {
    const double least = (std::fabs(b.high) - (std::fabs(b.low) + b.radius) * detail::grow) * detail::shrink;
    const double first = a.high / b.high;
    if (!(least > 0 && std::fabs(first) < infinity() && std::fabs(b.high) < infinity())) [[unlikely]]
      return detail::div_classes(a, b);
    const double second = sub(middle(a), mul(Enclosed(first), middle(b))).high / b.high;
    const TwoTerm<double> q = two_sum(first, second);
    const double residual = magnitude(sub(a, mul({q.high, q.low, 0}, b)));
    const double radius = residual == 0 ? 0 : residual / least * detail::grow + detail::eta;
    if (!(std::fabs(q.high) < infinity() && radius < infinity())) [[unlikely]]
      return detail::div_classes(a, b);
    if (q.high == 0 && a.high != 0) [[unlikely]]
      return detail::below_double(first, radius);
    return {q.high, q.low, radius};
  }

  Enclosed fma(const Enclosed& a, const Enclosed& b, const Enclosed& c) const { return add(mul(a, b), c); }

  /// |sqrt(a) - s| = |a - s^2| / (sqrt(a) + s) <= |a - s^2| / s
  Enclosed sqrt(const Enclosed& a) const {
    if (!(lower(a) > 0 && a.high < infinity())) [[unlikely]]
      return detail::sqrt_classes(a);
    const double first = std::sqrt(a.high);
    const double second = sub(middle(a), mul(Enclosed(first), Enclosed(first))).high / (2 * first);
    const TwoTerm<double> s = two_sum(first, second);
    const Enclosed root{s.high, s.low, 0};
    const double residual = magnitude(sub(a, mul(root, root)));
    const double radius = residual == 0 ? 0 : residual / (s.high * detail::shrink) * detail::grow + detail::eta;
    if (!(radius < infinity())) [[unlikely]]
      return any_real();
    return {s.high, s.low, radius};
  }

  ULPSCOPE_INLINE Enclosed exp(const Enclosed& a) const { return exp_enclosed(a); }

  /// y + log1p(a exp(-y) - 1) with y near log(a); log1p(t) = t - t^2 / 2 within |t|^3 where |t| <= 2^-10.
  Enclosed log(const Enclosed& a) const {
    if (!(lower(a) > 0 && a.high < infinity())) return detail::log_classes(a);
    const double near = std::log(a.high);
    const Enclosed t = sub(mul(a, exp(Enclosed(-near))), Enclosed(1.0));
    const double most = magnitude(t);
    if (!(most <= 0x1p-10)) return any_real();
    Enclosed result = add(Enclosed(near), sub(t, mul(mul(t, t), Enclosed(0.5))));
    if (most != 0) result.radius = (result.radius + most * most * most) * detail::grow + detail::eta;
    return result;
  }

  Enclosed round(const Enclosed& a) const { return a; }
  Enclosed neg(const Enclosed& a) const { return {-a.high, -a.low, a.radius}; }
  Enclosed from(double x) const { return Enclosed(x); }

  static Enclosed constant(double x) { return Enclosed(x); }
  /// Of enclosures that overlap: all that the larger can be. NaN where one is.
  static Enclosed max(const Enclosed& a, const Enclosed& b) {
    if (!is_finite(a) || !is_finite(b)) return detail::max_classes(a, b);
    const bool second = is_below(a, b);
    const Enclosed& large = second ? b : a;
    const Enclosed& small = second ? a : b;
    const double fall = small.high - large.high, rest = small.low - large.low;
    const double above = ((fall + rest) + small.radius) + 0x1p-50 * (std::fabs(fall) + std::fabs(rest));
    return {large.high, large.low, above > large.radius ? above * detail::grow : large.radius};
  }
  /// What is not decided may be either.
  static Enclosed select(Decision mask, const Enclosed& a, const Enclosed& b) {
    if (mask != Decision::unknown) return mask == Decision::yes ? a : b;
    return is_finite(a) && is_finite(b) ? hull(a, b) : anything();
  }
  static Decision less(const Enclosed& a, const Enclosed& b) {
    if (is_unknown(a) || is_unknown(b)) return Decision::unknown;
    if (upper(a) < lower(b)) return Decision::yes;
    return lower(a) < upper(b) ? decided(a, b, is_below(a, b) ? Decision::yes : Decision::no) : Decision::no;
  }
  static Decision equal(const Enclosed& a, const Enclosed& b) {
    if (is_unknown(a) || is_unknown(b)) return Decision::unknown;
    if (upper(a) < lower(b) || upper(b) < lower(a)) return Decision::no;
    return decided(a, b, a.high == b.high && a.low == b.low ? Decision::yes : Decision::no);
  }
  static Decision is_nan(const Enclosed& a) {
    return is_unknown(a) ? Decision::unknown : (a.high != a.high ? Decision::yes : Decision::no);
  }

 private:
  static Enclosed middle(const Enclosed& a) { return {a.high, a.low, 0}; }
  /// What holds for the middles holds for the numbers if there are no others.
  static Decision decided(const Enclosed& a, const Enclosed& b, Decision holds) {
    return a.radius == 0 && b.radius == 0 ? holds : Decision::unknown;
  }
  static bool is_below(const Enclosed& a, const Enclosed& b) {
    return a.high < b.high || (a.high == b.high && a.low < b.low);
  }
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
