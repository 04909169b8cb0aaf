// SPDX-License-Identifier: Apache-2.0
// Error-free transformations and double-double arithmetic, for scalars and packs.
#pragma once

#include "precision/lanes.hpp"
#include "precision/two_sum.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {

namespace detail {
/// Veltkamp's splitting into halves whose products are exact [Dekker71].
template <class V>
ULPSCOPE_INLINE TwoTerm<V> veltkamp_split(V a) {
  const V scaled = a * splat<V>(is_double_v<V> ? scalar_t<V>(134217729) : scalar_t<V>(4097));
  const V high = scaled - (scaled - a);
  return {high, a - high};
}
}  // namespace detail

/// high + low = a b exactly, unless the low part underflows or splitting overflows (beyond 2^996 in binary64).
template <class V>
ULPSCOPE_INLINE TwoTerm<V> two_prod(V a, V b) {
  const V product = a * b;
#if defined(__FMA__) || defined(__CUDA_ARCH__)
  return {product, fma(a, b, -product)};
#else
  const TwoTerm<V> x = detail::veltkamp_split(a), y = detail::veltkamp_split(b);
  const V error = ((x.high * y.high - product) + x.high * y.low + x.low * y.high) + x.low * y.low;
  return {product, error};
#endif
}

/// Double-double a + b, relative error < 3 * 2^-106 [Joldes-Muller-Popescu17, AccurateDWPlusDW].
template <class V>
ULPSCOPE_INLINE TwoTerm<V> add(TwoTerm<V> a, TwoTerm<V> b) {
  const TwoTerm<V> s = two_sum(a.high, b.high);
  const TwoTerm<V> t = two_sum(a.low, b.low);
  const TwoTerm<V> v = fast_two_sum(s.high, s.low + t.high);
  return fast_two_sum(v.high, t.low + v.low);
}

/// Double-double a + b with a plain b, relative error < 2 * 2^-106.
template <class V>
ULPSCOPE_INLINE TwoTerm<V> add(TwoTerm<V> a, V b) {
  const TwoTerm<V> s = two_sum(a.high, b);
  return fast_two_sum(s.high, a.low + s.low);
}

/// Double-double a b, relative error < 7 * 2^-106 [Joldes-Muller-Popescu17, DWTimesDW1].
template <class V>
ULPSCOPE_INLINE TwoTerm<V> mul(TwoTerm<V> a, TwoTerm<V> b) {
  const TwoTerm<V> p = two_prod(a.high, b.high);
  return fast_two_sum(p.high, p.low + (a.high * b.low + a.low * b.high));
}

/// Double-double a b with a plain b, relative error < 3 * 2^-106.
template <class V>
ULPSCOPE_INLINE TwoTerm<V> mul(TwoTerm<V> a, V b) {
  const TwoTerm<V> p = two_prod(a.high, b);
  return fast_two_sum(p.high, p.low + a.low * b);
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
