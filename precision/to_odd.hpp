// SPDX-License-Identifier: Apache-2.0
// Operations on doubles rounded to odd: rounding their result again, to at most 51 bits and in any mode, rounds once.
#pragma once

#include "precision/error_free.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {

template <class W>
ULPSCOPE_INLINE W sum_to_odd(W a, W b) {
  const TwoTerm<W> s = two_sum(a, b);
  return to_odd(s.high, s.low);
}
template <class W>
ULPSCOPE_INLINE W product_to_odd(W a, W b) {
  const TwoTerm<W> p = two_prod(a, b);
  return to_odd(p.high, p.low);
}
/// The sign of a - q b tells on which side of the quotient q the exact one lies (a zero or infinite b gives NaN: as
/// is).
template <class W>
ULPSCOPE_INLINE W quotient_to_odd(W a, W b) {
  const W q = a / b;
  const TwoTerm<W> p = two_prod(q, b);
  const W remainder = (a - p.high) - p.low;
  const auto side = sign_bits(remainder) ^ sign_bits(b);
  return to_odd(q, from_bits<W>(as_bits(abs(remainder)) | side));
}
template <class W>
ULPSCOPE_INLINE W root_to_odd(W a) {
  const W root = sqrt(a);
  const TwoTerm<W> p = two_prod(root, root);
  return to_odd(root, (a - p.high) - p.low);
}
/// a b + c to odd for any doubles short of over- and underflow [Boldo-Melquiond08, section 4].
template <class W>
ULPSCOPE_INLINE W fma_to_odd(W a, W b, W c) {
  const TwoTerm<W> product = two_prod(a, b);
  const TwoTerm<W> small = two_sum(c, product.low);
  const TwoTerm<W> large = two_sum(product.high, small.high);
  const W tail = sum_to_odd(small.low, large.low);
  const TwoTerm<W> s = two_sum(large.high, tail);
  const W r = to_odd(s.high, s.low);
  // Infinities and NaN, and the sign of a zero (then a b is exact), are those of the plain operations.
  const W plain = product.high + c;
  const auto special = (r == splat<W>(0)) | is_nan(r - r) | is_nan(plain - plain);
  return select(special, plain, r);
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
