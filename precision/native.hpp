// SPDX-License-Identifier: Apache-2.0
// Arithmetic in which the type is the format: float, double, packs of them.
#pragma once

#include "precision/arithmetic.hpp"
#include "precision/exp_binary64.hpp"
#include "precision/exp_correct.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {

/// binary32 or binary64 as the hardware computes it, nearest even. The format given to the constructor is ignored.
template <class V>
class Native : public LaneOperations<V> {
 public:
  using scalar = scalar_t<V>;
  Native() = default;
  explicit Native(const Format&) {}

  ULPSCOPE_INLINE V add(V a, V b) const { return a + b; }
  ULPSCOPE_INLINE V sub(V a, V b) const { return a - b; }
  ULPSCOPE_INLINE V mul(V a, V b) const { return a * b; }
  ULPSCOPE_INLINE V div(V a, V b) const { return a / b; }
  ULPSCOPE_INLINE V fma(V a, V b, V c) const { return precision::fma(a, b, c); }
  ULPSCOPE_INLINE V sqrt(V a) const { return precision::sqrt(a); }
  ULPSCOPE_INLINE V round(V a) const { return a; }
  ULPSCOPE_INLINE V from(double x) const { return splat<V>(static_cast<scalar>(x)); }
  ULPSCOPE_INLINE bool is_fp64() const { return is_double_v<V>; }
  ULPSCOPE_INLINE int significand_bits() const { return Carrier<scalar>::precision; }

  /// Doubles, the lower and upper halves of a float pack (or the pack of doubles itself, twice), rounded once to V.
  template <class W>
  ULPSCOPE_INLINE V round_wide(W low, W high) const {
    if constexpr (is_double_v<V>) {
      return low;
    } else if constexpr (lanes_v<V> == 1) {
      return static_cast<V>(low);
    } else {
      return join<V>(convert<half_t<V>>(low), convert<half_t<V>>(high));
    }
  }
  ULPSCOPE_INLINE double round_scalar(double x) const { return static_cast<double>(static_cast<scalar>(x)); }

  /// Correctly rounded for float; below 0.53 ulp for double.
  ULPSCOPE_INLINE V exp(V a) const {
    if constexpr (is_double_v<V>) {
      return exp_binary64(a);
    } else {
      return exp_binary32(a);
    }
  }
  /// exp of a float pack where `doubt` notes nothing.
  ULPSCOPE_INLINE V exp_quick(V a, Doubt<V>& doubt) const requires(!is_double_v<V> && lanes_v<V> > 1) {
    return exp_binary32_quick(a, doubt);
  }
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
