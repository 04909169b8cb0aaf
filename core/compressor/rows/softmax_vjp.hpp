// SPDX-License-Identifier: Apache-2.0
// VJPs of the softmax: closed forms of frameworks, and automatic differentiation of the written-out formula. See
// softmax.md.
#pragma once

#include "core/compressor/rows/softmax.hpp"

namespace ulpscope::compressor::rows {
inline namespace ULPSCOPE_LEVEL {

/// ds_r = y_r (g_r - sum_q y_q g_q)  [ATen], or  y_r g_r - y_r sum_q y_q g_q  [jax.nn.softmax's JVP, transposed]
template <class A>
ULPSCOPE_INLINE typename A::value_type softmax_closed_vjp(const Ops<A>& ops, const typename A::value_type& y,
                                                          const typename A::value_type& g,
                                                          const typename A::value_type& sum) {
  if (ops.softmax_vjp != SoftmaxVjp::gy_minus_ys) return ops.compute.mul(y, ops.compute.sub(g, sum));
  return ops.compute.sub(ops.compute.mul(g, y), ops.compute.mul(y, sum));
}
/// sum_q y_q g_q
template <class A>
ULPSCOPE_HD typename A::value_type softmax_vjp_sum(const Ops<A>& ops, int count, Rows<A> y, Rows<A> g) {
  return product_sum(
      ops, count, [&](int r) { return y[r]; }, [&](int r) { return g[r]; });
}
template <class A>
ULPSCOPE_HD void softmax_closed_vjp(const Ops<A>& ops, int count, Rows<A> y, Rows<A> g, Rows<A> out) {
  const typename A::value_type sum = softmax_vjp_sum(ops, count, y, g);
  for (int r = 0; r < count; ++r) out.set(r, softmax_closed_vjp(ops, y[r], g[r], sum));
}

/// y_r = e_r / D: what the forward left for automatic differentiation.
template <class A>
struct QuotientSaved {
  Rows<A> e;
  typename A::value_type total;  ///< D
};

/// d(denominator) of y_r = e_r / D by one framework's division rule, summed over the slots. It flows on as a value of
/// the compute format, in whichever format it was summed.
template <class A>
ULPSCOPE_HD typename A::value_type denominator_cotangent(const Ops<A>& ops, int count, const QuotientSaved<A>& saved,
                                                         Rows<A> g) {
  using V = typename A::value_type;
  const auto& [e, total] = saved;
  const A& f = ops.compute;
  if (ops.softmax_vjp == SoftmaxVjp::autodiff_jax_div) {  // (g D^-2) x: squares D, so it over- and underflows early
    const V inverse_square = f.div(f.from(1.0), f.mul(total, total));
    return f.neg(f.round(precision::sum(ops.accumulate, count, ops.summation,
                                        [&](int r) { return f.mul(f.mul(g[r], inverse_square), e[r]); })));
  }
  return f.round(precision::sum(ops.accumulate, count, ops.summation,
                                [&](int r) { return f.mul(f.neg(g[r]), f.div(f.div(e[r], total), total)); }));
}

/// What flows back through max: -sum_r ds_r, of the compute format, split evenly over the slots that attain it.
template <class A>
ULPSCOPE_HD void add_max_cotangent(const Ops<A>& ops, int count, Rows<A> logits, const typename A::value_type& maximum,
                                   Rows<A> out) {
  using V = typename A::value_type;
  const A& f = ops.compute;
  const V total = f.round(precision::sum(ops.accumulate, count, ops.summation, [&](int r) { return out[r]; }));
  V attained = A::constant(0.0);
  for (int r = 0; r < count; ++r) {
    attained = f.add(attained, A::select(A::equal(logits[r], maximum), A::constant(1.0), A::constant(0.0)));
  }
  const V share = f.div(f.neg(total), attained);
  for (int r = 0; r < count; ++r) {
    out.set(r, A::select(A::equal(logits[r], maximum), f.add(out[r], share), out[r]));
  }
}

/// Autodiff of y_r = exp(s_r) / sum exp(s_q), written so: a gradient comes back through each of the two exponentials,
/// ds_r = (g_r / D) e_r + dD e_r. With exact products, the first joins the second by FMA.
template <class A>
ULPSCOPE_HD void two_exp_autodiff_vjp(const Ops<A>& ops, int count, const QuotientSaved<A>& saved, Rows<A> g,
                                      Rows<A> out) {
  using V = typename A::value_type;
  const A& f = ops.compute;
  const V shared = denominator_cotangent(ops, count, saved, g);
  for (int r = 0; r < count; ++r) {
    const V e = saved.e[r];
    const V above = divide(ops, g[r], saved.total);
    const V below = f.mul(shared, e);
    out.set(r, ops.exact_products ? f.fma(above, e, below) : f.add(f.mul(above, e), below));
  }
}

/// Autodiff of y_r = e_r / sum e: ds_r = (g_r / D + dD) e_r. With exact products, g_r times 1/D joins dD by FMA.
template <class A>
ULPSCOPE_HD void softmax_autodiff_vjp(const Ops<A>& ops, int count, const QuotientSaved<A>& saved, Rows<A> g,
                                      Rows<A> out) {
  using V = typename A::value_type;
  if (ops.softmax_vjp == SoftmaxVjp::autodiff_torch_two_exp) return two_exp_autodiff_vjp(ops, count, saved, g, out);
  const A& f = ops.compute;
  const V shared = denominator_cotangent(ops, count, saved, g);
  const V reciprocal = f.div(f.from(1.0), saved.total);
  for (int r = 0; r < count; ++r) {
    const V sum = ops.exact_products ? f.fma(g[r], reciprocal, shared) : f.add(divide(ops, g[r], saved.total), shared);
    out.set(r, f.mul(sum, saved.e[r]));
  }
}

/// y = exp(log_softmax(s)): dl_r = g_r y_r, ds_r = dl_r - y_r sum_q dl_q
template <class A>
ULPSCOPE_HD void log_softmax_vjp(const Ops<A>& ops, int count, Rows<A> y, Rows<A> g, Rows<A> out) {
  using V = typename A::value_type;
  const A& f = ops.compute;
  const V total = precision::sum(ops.accumulate, count, ops.summation, [&](int r) { return f.mul(g[r], y[r]); });
  for (int r = 0; r < count; ++r) out.set(r, f.sub(f.mul(g[r], y[r]), f.mul(y[r], total)));
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::rows
