// SPDX-License-Identifier: Apache-2.0
// Element by element over contiguous values: sums of two branches, storing.
#pragma once

#include <algorithm>

#include "core/compressor/kernels/job.hpp"
#include "core/compressor/kernels/ops.hpp"
#include "core/compressor/kernels/variants.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

/// One pack of out = operation(a, b).
template <class A, Elementwise operation>
ULPSCOPE_INLINE void apply_pack(const rows::Ops<A>& ops, const typename A::scalar_type* a,
                                const typename A::scalar_type* b, typename A::scalar_type* out) {
  using T = typename A::scalar_type;
  const rows::Rows<A> in_a{const_cast<T*>(a), 0};
  const rows::Rows<A> in_b{const_cast<T*>(b), 0};
  typename A::value_type value = in_a[0];
  if constexpr (operation == Elementwise::add) {
    value = ops.branches.round(value);
    value = ops.compute.add(value, ops.branches.round(in_b[0]));
  } else if constexpr (operation == Elementwise::bias) {
    value = ops.compute.add(value, in_b[0]);
  }
  rows::Rows<A>{out, 0}.set(0, ops.storage.round(value));
}

/// `count` values in packs; a tail shorter than a pack is staged.
template <class A, Elementwise operation>
ULPSCOPE_HD void apply_values(const rows::Ops<A>& ops, const ElementwiseValues<typename A::scalar_type>& values,
                              std::size_t count) {
  using T = typename A::scalar_type;
  constexpr bool binary = operation != Elementwise::store;
  constexpr auto lanes = static_cast<std::size_t>(A::lanes);
  const auto [from_a, from_b, to] = values;
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    apply_pack<A, operation>(ops, from_a + i, binary ? from_b + i : nullptr, to + i);
  if (i == count) return;
  T a[lanes] = {};
  T b[lanes] = {};
  T out[lanes] = {};
  for (std::size_t lane = 0; i + lane < count; ++lane) {
    a[lane] = from_a[i + lane];
    if constexpr (binary) b[lane] = from_b[i + lane];
  }
  apply_pack<A, operation>(ops, a, b, out);
  for (std::size_t lane = 0; i + lane < count; ++lane) to[i + lane] = out[lane];
}

template <class A>
ULPSCOPE_HD void apply_operation(const rows::Ops<A>& ops, Elementwise operation,
                                 const ElementwiseValues<typename A::scalar_type>& values, std::size_t count) {
  switch (operation) {
    case Elementwise::add:
      return apply_values<A, Elementwise::add>(ops, values, count);
    case Elementwise::bias:
      return apply_values<A, Elementwise::bias>(ops, values, count);
    case Elementwise::store:
      return apply_values<A, Elementwise::store>(ops, values, count);
  }
}

/// The operands of element i on.
template <class T>
ULPSCOPE_HD ElementwiseValues<T> values_from(const ElementwiseJob<T>& job, std::size_t i) {
  const T* b = job.b == nullptr ? nullptr : job.b + (job.period == 0 ? i : i % job.period);
  return {job.a + i, b, job.out + i};
}

/// Element i with its own draws.
template <class A>
ULPSCOPE_HD void apply_one(const rows::Ops<A>& ops, const ElementwiseJob<typename A::scalar_type>& job, std::size_t i) {
  apply_operation(draw_from(ops, {job.key, job.first + i}), job.operation, values_from(job, i), 1);
}

template <class A>
void apply_elementwise(const ElementwiseJob<typename A::scalar_type>& job, std::size_t begin, std::size_t end) {
  const rows::Ops<A> ops = make_ops<A>(*job.arithmetic);
  if (is_random(*job.arithmetic)) {
    for (std::size_t i = begin; i < end; ++i) apply_one(ops, job, i);
    return;
  }
  for (std::size_t i = begin; i < end;) {
    const std::size_t left = job.period == 0 ? end - i : job.period - i % job.period;
    const std::size_t count = left < end - i ? left : end - i;
    apply_operation(ops, job.operation, values_from(job, i), count);
    i += count;
  }
}

/// Values [begin, end) of a tensor.
template <class A>
void run_elementwise(const ElementwiseJob<typename A::scalar_type>& job, std::size_t begin, std::size_t end) {
  if constexpr (Variants<A>::exist) {
    if (Variants<A>::is_plain(*job.arithmetic)) {
      return apply_elementwise<typename Variants<A>::PlainArithmetic>(job, begin, end);
    }
  }
  apply_elementwise<A>(job, begin, end);
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
