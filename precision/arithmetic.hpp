// SPDX-License-Identifier: Apache-2.0
// The concept Arithmetic: what a kind of numbers must offer so that stage code, written once, runs in it.
#pragma once

#include <concepts>

#include "precision/format.hpp"
#include "precision/lanes.hpp"

namespace ulpscope::precision {

/// An arithmetic is an object with run-time parameters, cheap to copy. `value_type` is a scalar or a pack of `lanes`
/// scalars. Every operation's result is the exact result rounded once to the object's format; NaN and infinities are
/// data.
template <class A>
concept Arithmetic = std::constructible_from<A, const Format&> && std::copy_constructible<A> &&
    requires(const A& arithmetic, const typename A::value_type& x, const typename A::mask_type& mask, double constant) {
  typename A::scalar_type;
  { A::lanes } -> std::convertible_to<int>;
  { arithmetic.add(x, x) } -> std::same_as<typename A::value_type>;
  { arithmetic.sub(x, x) } -> std::same_as<typename A::value_type>;
  { arithmetic.mul(x, x) } -> std::same_as<typename A::value_type>;
  { arithmetic.div(x, x) } -> std::same_as<typename A::value_type>;
  { arithmetic.fma(x, x, x) } -> std::same_as<typename A::value_type>;
  { arithmetic.sqrt(x) } -> std::same_as<typename A::value_type>;
  { arithmetic.exp(x) } -> std::same_as<typename A::value_type>;
  { arithmetic.round(x) } -> std::same_as<typename A::value_type>;
  { arithmetic.neg(x) } -> std::same_as<typename A::value_type>;
  { arithmetic.from(constant) } -> std::same_as<typename A::value_type>;
  { A::constant(constant) } -> std::same_as<typename A::value_type>;
  { A::max(x, x) } -> std::same_as<typename A::value_type>;
  { A::select(mask, x, x) } -> std::same_as<typename A::value_type>;
  { A::less(x, x) } -> std::same_as<typename A::mask_type>;
  { A::equal(x, x) } -> std::same_as<typename A::mask_type>;
  { A::is_nan(x) } -> std::same_as<typename A::mask_type>;
};

inline namespace ULPSCOPE_LEVEL {

/// The parts of an Arithmetic that do not depend on its format, for float, double and packs of them.
template <class V>
struct LaneOperations {
  using value_type = V;
  using scalar_type = scalar_t<V>;
  using mask_type = mask_t<V>;
  static constexpr int lanes = lanes_v<V>;

  /// x as it stands, not rounded: zeros, ones, infinities, values already stored in the format.
  ULPSCOPE_INLINE static V constant(double x) { return splat<V>(static_cast<scalar_type>(x)); }
  ULPSCOPE_INLINE static V neg(V a) { return -a; }
  ULPSCOPE_INLINE static V max(V a, V b) { return max_nan(a, b); }
  ULPSCOPE_INLINE static V select(mask_type mask, V a, V b) { return precision::select(mask, a, b); }
  ULPSCOPE_INLINE static mask_type less(V a, V b) { return a < b; }
  ULPSCOPE_INLINE static mask_type equal(V a, V b) { return a == b; }
  ULPSCOPE_INLINE static mask_type is_nan(V a) { return precision::is_nan(a); }
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
