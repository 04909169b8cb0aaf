// SPDX-License-Identifier: Apache-2.0
// Softmax over the L slots of a window, separately for each channel: forward steps. See softmax.md.
#pragma once

#include "core/compressor/rows/rows.hpp"

namespace ulpscope::compressor::rows {
inline namespace ULPSCOPE_LEVEL {

/// The slots of one window that hold no token: padded[r] != 0.
using PadMask = const std::uint8_t*;

/// gate + bias, stored: a logit.
template <class A>
ULPSCOPE_INLINE typename A::value_type biased(const Ops<A>& ops, const typename A::value_type& gate,
                                              const typename A::value_type& bias) {
  return ops.storage.round(ops.compute.add(gate, bias));
}

/// max_r s_r, stored; NaN where any is NaN. `logit(r)` is called once for each slot.
template <class A, class Logit>
ULPSCOPE_INLINE typename A::value_type row_max_of(const Ops<A>& ops, int count, Logit logit) {
  typename A::value_type best = A::constant(-precision::infinity());
  for (int r = 0; r < count; ++r) best = A::max(best, logit(r));
  return ops.storage.round(best);
}
/// With `skip`, over the slots that hold a token (-inf where none does).
template <class A>
ULPSCOPE_HD typename A::value_type row_max(const Ops<A>& ops, int count, Rows<A> logits, PadMask skip) {
  return row_max_of(ops, count, [&](int r) {
    return skip == nullptr || skip[r] == 0 ? logits[r] : A::constant(-precision::infinity());
  });
}

/// s_r - max
template <class A>
ULPSCOPE_INLINE typename A::value_type shifted(const Ops<A>& ops, const typename A::value_type& logit,
                                               const typename A::value_type& anchor) {
  return ops.compute.sub(logit, anchor);
}
template <class A>
ULPSCOPE_HD void shift(const Ops<A>& ops, int count, Rows<A> logits, const typename A::value_type& anchor,
                       Rows<A> out) {
  for (int r = 0; r < count; ++r) out.set(r, shifted(ops, logits[r], anchor));
}

/// e_r = exp(x_r)
template <class A>
ULPSCOPE_INLINE typename A::value_type exponential(const Ops<A>& ops, const typename A::value_type& x) {
  return precision::exp_as(ops.compute, x, ops.exp);
}
/// All of them; exactly 0 at skipped slots.
template <class A>
ULPSCOPE_HD void exponentials(const Ops<A>& ops, int count, Rows<A> shifted, PadMask skip, Rows<A> out) {
  for (int r = 0; r < count; ++r) {
    const bool skipped = skip != nullptr && skip[r] != 0;
    out.set(r, skipped ? A::constant(0.0) : exponential(ops, shifted[r]));
  }
}

/// sum_r e_r in the accumulate format, stored.
template <class A>
ULPSCOPE_HD typename A::value_type denominator(const Ops<A>& ops, int count, Rows<A> exponentials) {
  return stored_sum(ops, count, exponentials);
}

/// y_r = e_r / denominator
template <class A>
class Quotient {
 public:
  using V = typename A::value_type;
  ULPSCOPE_INLINE Quotient(const Ops<A>& ops, const V& total)
      : compute_(ops.compute),
        reciprocal_(ops.division == Division::reciprocal),
        factor_(reciprocal_ ? compute_.div(A::constant(1.0), total) : total) {}
  ULPSCOPE_INLINE V operator()(const V& exponential) const {
    return reciprocal_ ? compute_.mul(exponential, factor_) : compute_.div(exponential, factor_);
  }

 private:
  const A& compute_;
  bool reciprocal_;
  V factor_;
};
template <class A>
ULPSCOPE_HD void quotients(const Ops<A>& ops, int count, Rows<A> exponentials, const typename A::value_type& total,
                           Rows<A> out) {
  const Quotient<A> quotient(ops, total);
  for (int r = 0; r < count; ++r) out.set(r, quotient(exponentials[r]));
}

/// y_r = exp((s_r - max) - log(denominator)): the division-free form.
template <class A>
ULPSCOPE_HD void log_softmax(const Ops<A>& ops, int count, Rows<A> shifted, const typename A::value_type& log_total,
                             Rows<A> out) {
  for (int r = 0; r < count; ++r) {
    out.set(r, precision::exp_as(ops.compute, ops.compute.sub(shifted[r], log_total), ops.exp));
  }
}

/// w_r = y_r in the storage format
template <class A>
ULPSCOPE_INLINE typename A::value_type weight(const Ops<A>& ops, const typename A::value_type& softmax) {
  return ops.storage.round(softmax);
}
/// All of them; 0 at slots that `zero` marks.
template <class A>
ULPSCOPE_HD void cast_weights(const Ops<A>& ops, int count, Rows<A> softmax, PadMask zero, Rows<A> out) {
  for (int r = 0; r < count; ++r) {
    const bool cleared = zero != nullptr && zero[r] != 0;
    out.set(r, cleared ? A::constant(0.0) : weight(ops, softmax[r]));
  }
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::rows
