// SPDX-License-Identifier: Apache-2.0
// From logits to the pooled entry in three passes over a window's slots, and back in two: the steps of softmax.hpp,
// pool.hpp and softmax_vjp.hpp, each value computed when the next step reads it. Same operations, order and bits.
#pragma once

#include "core/compressor/rows/pool.hpp"
#include "core/compressor/rows/softmax.hpp"
#include "core/compressor/rows/softmax_vjp.hpp"

namespace ulpscope::compressor::rows {
inline namespace ULPSCOPE_LEVEL {

/// The rows of one window's tokens: slots r < split are the previous window's, the others its own.
template <class A>
struct TokenRows {
  using T = typename A::scalar_type;
  T* previous = nullptr;  ///< of slot 0
  T* own = nullptr;       ///< of slot `split`
  int split = 0;
  std::ptrdiff_t stride = 0;
  std::ptrdiff_t ahead = 0;  ///< values from a row to what will be read in its place next

  ULPSCOPE_INLINE T* at(int r) const { return r < split ? previous + r * stride : own + (r - split) * stride; }
  ULPSCOPE_INLINE typename A::value_type operator[](int r) const { return Rows<A>{at(r), 0}[0]; }
  /// Asks for what will be read in this row's place next: rows are far apart, and no hardware sees that.
  ULPSCOPE_INLINE void fetch_ahead(int r) const {
#if !defined(__CUDA_ARCH__)
    if constexpr (std::is_floating_point_v<T>) __builtin_prefetch(at(r) + ahead, 0, 3);
#endif
  }
  ULPSCOPE_INLINE void set(int r, const typename A::value_type& value) const { Rows<A>{at(r), 0}.set(0, value); }
  /// Rows r, r + 1, ... as far as they are equally far apart: not across `split`.
  ULPSCOPE_INLINE Rows<A> from(int r, int channels) const { return {at(r) + channels, stride}; }
  /// The same rows, some channels on.
  ULPSCOPE_INLINE TokenRows shifted(int channels) const {
    return {previous + channels, own + channels, split, stride, ahead};
  }
};

/// `exponential` with the variant as a type, so that no loop chooses one.
template <precision::Exp variant>
struct Exponential {
  template <class A>
  ULPSCOPE_INLINE typename A::value_type operator()(const Ops<A>& ops, const typename A::value_type& x) const {
    return precision::exp_as(ops.compute, x, variant);
  }
};
/// The variant that ops name.
struct AnyExponential {
  template <class A>
  ULPSCOPE_INLINE typename A::value_type operator()(const Ops<A>& ops, const typename A::value_type& x) const {
    return exponential(ops, x);
  }
};

/// The value, which row r keeps.
template <class A>
ULPSCOPE_INLINE typename A::value_type kept(const Rows<A>& rows, int r, const typename A::value_type& value) {
  rows.set(r, value);
  return value;
}

/// The correctly rounded exponential, or a result that `doubt` notes.
template <class A>
struct QuickExponential {
  precision::Doubt<typename A::value_type>& doubt;
  ULPSCOPE_INLINE typename A::value_type operator()(const Ops<A>& ops, const typename A::value_type& x) const {
    return ops.compute.exp_quick(x, doubt);
  }
};

/// pass(exponential), once with a quick one where there is such a one, and again only if that had doubts: a call inside
/// the loop for the rare argument would cost the loop its registers.
template <class A, class Exp, class Pass>
ULPSCOPE_INLINE typename A::value_type without_doubt(const Exp& exponential, Pass pass) {
  using V = typename A::value_type;
  constexpr bool is_correct = std::is_same_v<Exp, Exponential<precision::Exp::correct>>;
  if constexpr (is_correct && requires(const A& a, V x, precision::Doubt<V>& doubt) { a.exp_quick(x, doubt); }) {
    precision::Doubt<V> doubt;
    const V result = pass(QuickExponential<A>{doubt});
    if (!doubt.any()) [[likely]]
      return result;
  }
  return pass(exponential);
}

/// stored_sum of rows that are computed as they are read; orders other than sequential find them in `scratch`.
template <class A, class F>
ULPSCOPE_INLINE typename A::value_type stored_sum_of(const Ops<A>& ops, int count, F row, const Rows<A>& scratch) {
  if (ops.summation.kind == precision::Summation::Kind::sequential) {
    return ops.storage.round(precision::sum_in_order(ops.accumulate, count, row));
  }
  for (int r = 0; r < count; ++r) scratch.set(r, row(r));
  return stored_sum(ops, count, scratch);
}

/// The arithmetic of the slots from `row_max` to `pooled`.
template <class A>
struct PoolOps {
  Ops<A> row_max, shifted, exp, denominator, softmax, weights, products, pooled;
  bool exact_products = false;  ///< products join the pooled sum unrounded: in sequential order only
};

template <class A>
struct PoolResult {
  typename A::value_type maximum, total, pooled;
};

/// One window without pads: values as they lie, and scratch, a row for each slot; g only for the VJP.
template <class A>
struct PoolWindow {
  int count = 0;
  TokenRows<A> values;
  Rows<A> logits, y, g;

  /// A row of values, while the next window's are on their way: evenly, so that no queue of the memory's fills.
  ULPSCOPE_INLINE typename A::value_type read_values(int r) const {
    values.fetch_ahead(r);
    return values[r];
  }
};

/// From logits and values to the pooled entry. `logit(r)` is computed once for each slot.
template <class A, class Logit, class Exp>
ULPSCOPE_INLINE PoolResult<A> softmax_pool(const PoolOps<A>& ops, const PoolWindow<A>& window, Logit logit,
                                           Exp exponential) {
  const int count = window.count;
  const Rows<A> scratch = window.y;
  PoolResult<A> out;
  out.maximum =
      row_max_of(ops.row_max, count, [&](int r) ULPSCOPE_INLINED { return kept(window.logits, r, logit(r)); });
  out.total = without_doubt<A>(exponential, [&](const auto& exp) ULPSCOPE_INLINED {
    const auto exponentials = [&](int r) ULPSCOPE_INLINED {
      return kept(scratch, r, exp(ops.exp, shifted(ops.shifted, window.logits[r], out.maximum)));
    };
    return stored_sum_of(ops.denominator, count, exponentials, scratch);
  });
  const Quotient<A> softmax(ops.softmax, out.total);
  const auto weights = [&](int r) ULPSCOPE_INLINED { return weight(ops.weights, softmax(scratch[r])); };
  if (ops.exact_products) {
    const auto values = [&](int r) ULPSCOPE_INLINED { return window.read_values(r); };
    out.pooled = ops.pooled.storage.round(precision::dot_in_order(ops.pooled.accumulate, count, weights, values));
  } else {
    const auto products = [&](int r)
                              ULPSCOPE_INLINED { return product(ops.products, weights(r), window.read_values(r)); };
    out.pooled = stored_sum_of(ops.pooled, count, products, scratch);
  }
  return out;
}

/// The arithmetic of the gradients from `pooled` back to `logits`.
template <class A>
struct PoolGradientOps {
  Ops<A> products, weights, values, logits;
  bool reads_weights = false;  ///< the softmax VJP reads the stored weights, not the softmax before its cast
};

/// What the backward of a pool writes, a row for each slot.
template <class A>
struct PoolGradients {
  TokenRows<A> values, logits;
  double start = -0.0;  ///< what each is added to: a zero
};

/// x + zero: the sign of a zero is all that it can change. Kinds that are no floating-point numbers have but one zero.
template <class V>
ULPSCOPE_INLINE V plus_zero(const V& x, [[maybe_unused]] double zero) {
  if constexpr (std::is_class_v<V>) {
    return x;
  } else {
    return x + precision::splat<V>(static_cast<precision::scalar_t<V>>(zero));
  }
}

/// product_sum of rows that are computed as they are read, and kept.
template <class A, class F, class G>
ULPSCOPE_INLINE typename A::value_type softmax_vjp_sum_of(const Ops<A>& ops, const PoolWindow<A>& window, F y, G g) {
  const auto kept_y = [&](int r) ULPSCOPE_INLINED { return kept(window.y, r, y(r)); };
  const auto kept_g = [&](int r) ULPSCOPE_INLINED { return kept(window.g, r, g(r)); };
  if (ops.summation.kind != precision::Summation::Kind::sequential) {
    for (int r = 0; r < window.count; ++r) kept_g(r), kept_y(r);
    return softmax_vjp_sum(ops, window.count, window.y, window.g);
  }
  if (ops.exact_products) return precision::dot_in_order(ops.accumulate, window.count, kept_y, kept_g);
  const auto products = [&](int r) ULPSCOPE_INLINED { return ops.compute.mul(kept_y(r), kept_g(r)); };
  return precision::sum_in_order(ops.accumulate, window.count, products);
}

/// From the cotangent (saved.pooled) and the saved maximum and total back to values and logits, by a closed form of the
/// softmax's VJP.
template <class A, class Exp>
struct PoolVjp {
  const PoolOps<A>& forward;
  const PoolGradientOps<A>& ops;
  Exp exponential;

  template <class Logit>
  ULPSCOPE_INLINE void operator()(const PoolWindow<A>& window, Logit logit, const PoolResult<A>& saved,
                                  const PoolGradients<A>& out) const {
    using V = typename A::value_type;
    const V cotangent = ops.products.storage.round(saved.pooled);
    const Quotient<A> quotient(forward.softmax, saved.total);
    const auto weights = [&](int r) ULPSCOPE_INLINED { return product(ops.weights, cotangent, window.read_values(r)); };
    const V sum = without_doubt<A>(exponential, [&](const auto& exp) ULPSCOPE_INLINED {
      const auto softmax = [&](int r) ULPSCOPE_INLINED {
        const V y = quotient(exp(forward.exp, shifted(forward.shifted, logit(r), saved.maximum)));
        return ops.reads_weights ? weight(forward.weights, y) : y;
      };
      return softmax_vjp_sum_of(ops.logits, window, softmax, weights);
    });
    for (int r = 0; r < window.count; ++r) {
      const V y = window.y[r];
      const V w = ops.reads_weights ? y : weight(forward.weights, y);
      out.values.set(r, plus_zero(product(ops.values, cotangent, w), out.start));
      const V logit_gradient = ops.logits.storage.round(softmax_closed_vjp(ops.logits, y, window.g[r], sum));
      out.logits.set(r, plus_zero(logit_gradient, out.start));
    }
  }
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::rows
