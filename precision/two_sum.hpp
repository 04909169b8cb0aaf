// SPDX-License-Identifier: Apache-2.0
// The exact sum of two numbers, and rounding to odd: what every exact emulation here stands on.
#pragma once

#include "precision/lanes_core.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {

/// An unevaluated sum high + low with |low| <= ulp(high) / 2.
template <class V>
struct TwoTerm {
  V high, low;
};

/// high + low = a + b exactly (no overflow) [Knuth98, 4.2.2; Higham02, 4.3].
template <class V>
ULPSCOPE_INLINE TwoTerm<V> two_sum(V a, V b) {
  const V sum = a + b;
  const V shadow = sum - a;
  return {sum, (a - (sum - shadow)) + (b - shadow)};
}

/// The same for |a| >= |b| or a = 0 [Dekker71].
template <class V>
ULPSCOPE_INLINE TwoTerm<V> fast_two_sum(V a, V b) {
  const V sum = a + b;
  return {sum, b - (sum - a)};
}

/// Moves a nearest-even result to round-to-odd, given the sign of (exact - value): an inexact value with an even
/// significand steps to its neighbour on the exact value's side [Boldo-Melquiond08]. An error of NaN (value infinite or
/// NaN) leaves the value alone.
template <class V>
ULPSCOPE_INLINE V to_odd(V value, V error) {
  using B = bits_t<V>;
  const B bits = as_bits(value);
  const V zero = splat<V>(0);
  const B one = splat<B>(1);
  // Away from zero is +1 in the encoding, whatever the sign: the signs of value and error decide.
  const B differ = (sign_bits(value) ^ sign_bits(error)) >> (sizeof(scalar_t<V>) * 8 - 1);
  const B step = one - (differ + differ);
  const B even = ~bits & one;
  const B moved = bits + (step & (splat<B>(0) - even));
  const auto inexact = (error > zero) | (error < zero);
  return select(inexact, from_bits<V>(moved), value);
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
