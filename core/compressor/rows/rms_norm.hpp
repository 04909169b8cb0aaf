// SPDX-License-Identifier: Apache-2.0
// RMSNorm across the channels of an entry: forward. Scalar arithmetic. See rms_norm.md.
#pragma once

#include "core/compressor/rows/rows.hpp"
#include "core/compressor/rows/scalar_functions.hpp"

namespace ulpscope::compressor::rows {
inline namespace ULPSCOPE_LEVEL {

/// total / d, or total times the rounded 1/d, in the accumulate format.
template <class A>
ULPSCOPE_HD typename A::value_type mean(const Ops<A>& ops, const typename A::value_type& total, int channels) {
  const A& f = ops.accumulate;
  if (ops.division == Division::div) return f.div(total, f.from(channels));
  return f.mul(total, f.div(A::constant(1.0), f.from(channels)));
}

/// (1/d) sum_c x_c^2
template <class A>
ULPSCOPE_HD typename A::value_type mean_square(const Ops<A>& ops, int channels, Rows<A> x) {
  const auto at = [&](int c) { return x[c]; };
  const typename A::value_type total = product_sum(ops, channels, at, at);
  return ops.storage.round(mean(ops, total, channels));
}

/// rho = (mean_square + eps)^-1/2: rounded once (a device's, too, but for its last 2 ulp), or as 1 / sqrt with both
/// rounded.
template <class A>
ULPSCOPE_HD typename A::value_type inverse_rms(const Ops<A>& ops, const typename A::value_type& mean_square,
                                               double eps) {
  const typename A::value_type shifted = ops.compute.add(mean_square, ops.compute.from(eps));
  if (ops.rsqrt != Rsqrt::div_sqrt) return inverse_sqrt(ops.compute, shifted);
  return ops.compute.div(A::constant(1.0), ops.compute.sqrt(shifted));
}

/// a b, stored: normalized = pooled rho, normed = normalized gamma, and the cotangent of the latter.
template <class A>
ULPSCOPE_HD typename A::value_type stored_product(const Ops<A>& ops, const typename A::value_type& a,
                                                  const typename A::value_type& b) {
  return ops.storage.round(ops.compute.mul(a, b));
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::rows
