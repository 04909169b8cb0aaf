// SPDX-License-Identifier: Apache-2.0
// VJP of u = rho x, rho = (mean x^2 + eps)^-1/2: the closed form, and what frameworks' autodiff computes. See
// rms_norm.md.
#pragma once

#include "core/compressor/rows/rms_norm.hpp"

namespace ulpscope::compressor::rows {
inline namespace ULPSCOPE_LEVEL {

/// What the forward left for the VJP.
template <class A>
struct NormSaved {
  Rows<A> x;  ///< pooled
  Rows<A> u;  ///< normalized
  typename A::value_type mean_square;
  double eps = 0;
};

/// dx = rho (q - u mean(q u))
template <class A>
ULPSCOPE_HD void normalize_closed(const Ops<A>& ops, int channels, const NormSaved<A>& saved, Rows<A> q, Rows<A> out) {
  using V = typename A::value_type;
  const A& f = ops.compute;
  const V rho = inverse_rms(ops, saved.mean_square, saved.eps);
  const V total = product_sum(
      ops, channels, [&](int c) { return q[c]; }, [&](int c) { return saved.u[c]; });
  const V radial = mean(ops, total, channels);
  for (int c = 0; c < channels; ++c) {
    out.set(c, ops.storage.round(f.mul(rho, f.sub(q[c], f.mul(saved.u[c], radial)))));
  }
}

/// The derivative of rho by the mean square: PyTorch -1/2 t rho^3 / d, JAX t (-1/2 rho / (mean_square + eps)) / d,
/// with t = sum_c q_c x_c.
template <class A>
ULPSCOPE_HD typename A::value_type mean_square_cotangent(const Ops<A>& ops, int channels, const NormSaved<A>& saved,
                                                         const typename A::value_type& total) {
  using V = typename A::value_type;
  const A& f = ops.compute;
  const V rho = inverse_rms(ops, saved.mean_square, saved.eps);
  if (ops.norm_vjp == NormVjp::autodiff_torch) {
    const V cube = f.mul(f.mul(rho, rho), rho);
    const V product = f.mul(f.mul(A::constant(-0.5), total), cube);
    return f.div(product, f.from(channels));
  }
  const V shifted = f.add(saved.mean_square, f.from(saved.eps));
  const V slope = f.mul(A::constant(-0.5), f.div(rho, shifted));
  const V product = f.mul(total, slope);
  return f.mul(product, f.div(A::constant(1.0), f.from(channels)));
}

/// dx = q rho + (d mean_square) 2 x. With exact products, q rho joins the other term by FMA.
template <class A>
ULPSCOPE_HD void normalize_autodiff(const Ops<A>& ops, int channels, const NormSaved<A>& saved, Rows<A> q,
                                    Rows<A> out) {
  using V = typename A::value_type;
  const A& f = ops.compute;
  const V rho = inverse_rms(ops, saved.mean_square, saved.eps);
  const V total = product_sum(
      ops, channels, [&](int c) { return q[c]; }, [&](int c) { return saved.x[c]; });
  const V shared = mean_square_cotangent(ops, channels, saved, total);
  for (int c = 0; c < channels; ++c) {
    const V through_square = f.mul(shared, f.mul(A::constant(2.0), saved.x[c]));
    const V sum = ops.exact_products ? f.fma(q[c], rho, through_square) : f.add(f.mul(q[c], rho), through_square);
    out.set(c, ops.storage.round(sum));
  }
}

template <class A>
ULPSCOPE_HD void normalize_vjp(const Ops<A>& ops, int channels, const NormSaved<A>& saved, Rows<A> q, Rows<A> out) {
  if (ops.norm_vjp == NormVjp::closed) return normalize_closed(ops, channels, saved, q, out);
  normalize_autodiff(ops, channels, saved, q, out);
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::rows
