// SPDX-License-Identifier: Apache-2.0
// The weighted sum over a window's slots, per channel, and its VJP. See pool.md.
#pragma once

#include "core/compressor/rows/rows.hpp"

namespace ulpscope::compressor::rows {
inline namespace ULPSCOPE_LEVEL {

/// p_r = w_r v_r, stored; and dw = dp v, dv = dp w by the same text.
template <class A>
ULPSCOPE_INLINE typename A::value_type product(const Ops<A>& ops, const typename A::value_type& a,
                                               const typename A::value_type& b) {
  return ops.storage.round(ops.compute.mul(a, b));
}
template <class A>
ULPSCOPE_HD void products(const Ops<A>& ops, int count, Rows<A> a, Rows<A> b, Rows<A> out) {
  for (int r = 0; r < count; ++r) out.set(r, product(ops, a[r], b[r]));
}

/// C = sum_r p_r, stored.
template <class A>
ULPSCOPE_HD typename A::value_type pooled(const Ops<A>& ops, int count, Rows<A> products) {
  return stored_sum(ops, count, products);
}

/// C = sum_r w_r v_r where the product reaches the sum unrounded.
template <class A>
ULPSCOPE_HD typename A::value_type pooled_fused(const Ops<A>& ops, int count, Rows<A> weights, Rows<A> values) {
  return ops.storage.round(precision::dot(
      ops.accumulate, count, ops.summation, [&](int r) { return weights[r]; }, [&](int r) { return values[r]; }));
}

/// Forward: C = sum_r p_r. So dp_r = dC.
template <class A>
ULPSCOPE_HD void pooled_vjp(const Ops<A>& ops, int count, const typename A::value_type& cotangent, Rows<A> out) {
  const typename A::value_type stored = ops.storage.round(cotangent);
  for (int r = 0; r < count; ++r) out.set(r, stored);
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::rows
