// SPDX-License-Identifier: Apache-2.0
// Dual numbers over any arithmetic: a value and its directional derivative, by the rules of forward differentiation.
#pragma once

#include <type_traits>

#include "precision/arithmetic.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {

/// 0 of a scalar, a pack, or a class of numbers whose default is not 0 (an MPFR number starts as NaN).
template <class V>
constexpr V zero_of() {
  if constexpr (std::is_class_v<V>) {
    return V(0);
  } else {
    return V{};
  }
}

/// value + derivative * epsilon, epsilon^2 = 0. DualNumber(x) is the constant x.
template <class V>
struct DualNumber {
  V value = zero_of<V>();
  V derivative = zero_of<V>();
};

/// Values and derivatives are computed in A; rounding to storage acts on the value, and is the identity on the
/// derivative (straight through). Comparisons look at values; max and select carry the chosen derivative along.
template <Arithmetic A>
class Dual {
 public:
  using base = typename A::value_type;
  using value_type = DualNumber<base>;
  using scalar_type = DualNumber<typename A::scalar_type>;
  using mask_type = typename A::mask_type;
  static constexpr int lanes = A::lanes;

  Dual() = default;
  explicit Dual(const Format& format) : arithmetic_(format) {}

  value_type add(const value_type& a, const value_type& b) const {
    return {arithmetic_.add(a.value, b.value), arithmetic_.add(a.derivative, b.derivative)};
  }
  value_type sub(const value_type& a, const value_type& b) const {
    return {arithmetic_.sub(a.value, b.value), arithmetic_.sub(a.derivative, b.derivative)};
  }
  value_type mul(const value_type& a, const value_type& b) const {
    return {arithmetic_.mul(a.value, b.value), product_rule(a, b)};
  }
  /// (a / b)' = (a' - (a / b) b') / b
  value_type div(const value_type& a, const value_type& b) const {
    const base quotient = arithmetic_.div(a.value, b.value);
    const base numerator = arithmetic_.sub(a.derivative, arithmetic_.mul(quotient, b.derivative));
    return {quotient, arithmetic_.div(numerator, b.value)};
  }
  value_type fma(const value_type& a, const value_type& b, const value_type& c) const {
    return {arithmetic_.fma(a.value, b.value, c.value), arithmetic_.add(product_rule(a, b), c.derivative)};
  }
  /// sqrt(a)' = a' / (2 sqrt(a))
  value_type sqrt(const value_type& a) const {
    const base root = arithmetic_.sqrt(a.value);
    return {root, arithmetic_.div(a.derivative, arithmetic_.add(root, root))};
  }
  value_type exp(const value_type& a) const {
    const base e = arithmetic_.exp(a.value);
    return {e, arithmetic_.mul(e, a.derivative)};
  }
  /// log(a)' = a' / a. Only over arithmetics that have a logarithm (MPFR).
  value_type log(const value_type& a) const {
    return {arithmetic_.log(a.value), arithmetic_.div(a.derivative, a.value)};
  }
  value_type round(const value_type& a) const { return {arithmetic_.round(a.value), a.derivative}; }
  value_type neg(const value_type& a) const { return {arithmetic_.neg(a.value), arithmetic_.neg(a.derivative)}; }
  value_type from(double x) const { return {arithmetic_.from(x), arithmetic_.from(0)}; }

  /// x with derivative 0, not rounded.
  static value_type constant(double x) { return {A::constant(x), A::constant(0)}; }
  static value_type max(const value_type& a, const value_type& b) {
    const auto second = A::less(a.value, b.value);
    return {A::max(a.value, b.value), A::select(second, b.derivative, a.derivative)};
  }
  static value_type select(mask_type mask, const value_type& a, const value_type& b) {
    return {A::select(mask, a.value, b.value), A::select(mask, a.derivative, b.derivative)};
  }
  static mask_type less(const value_type& a, const value_type& b) { return A::less(a.value, b.value); }
  static mask_type equal(const value_type& a, const value_type& b) { return A::equal(a.value, b.value); }
  static mask_type is_nan(const value_type& a) { return A::is_nan(a.value); }

 private:
  base product_rule(const value_type& a, const value_type& b) const {
    return arithmetic_.fma(a.derivative, b.value, arithmetic_.mul(a.value, b.derivative));
  }

  A arithmetic_;
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
