// SPDX-License-Identifier: Apache-2.0
// What row mathematics is written over: strided rows of packs, and the arithmetic of one slot. Host and device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/compressor/algorithms.hpp"
#include "precision/arithmetic.hpp"
#include "precision/elementary.hpp"
#include "precision/lanes.hpp"
#include "precision/summation.hpp"

namespace ulpscope::compressor::rows {
inline namespace ULPSCOPE_LEVEL {

/// Rows r = 0, 1, ... of one pack of channels; `stride` is in scalars.
template <class A>
struct Rows {
  using T = typename A::scalar_type;
  using V = typename A::value_type;
  T* base = nullptr;
  std::ptrdiff_t stride = 0;

  ULPSCOPE_HD T* at(int r) const { return base + r * stride; }
  ULPSCOPE_HD V operator[](int r) const {
    if constexpr (std::is_same_v<T, V>) {
      return base[r * stride];
    } else {
      return precision::load<V>(base + r * stride);
    }
  }
  ULPSCOPE_HD void set(int r, const V& value) const {
    if constexpr (std::is_same_v<T, V>) {
      base[r * stride] = value;
    } else {
      precision::store(base + r * stride, value);
    }
  }
};

/// What rounds the values that a slot keeps: A itself, unless A names another arithmetic of the same carrier.
template <class A>
struct StorageOf {
  using type = A;
};
template <class A>
requires requires { typename A::Storage; }
struct StorageOf<A> {
  using type = typename A::Storage;
};

/// The arithmetic of one slot: its three roles and the variants that its formula leaves open.
template <class A>
struct Ops {
  using Storage = typename StorageOf<A>::type;
  A compute;
  A accumulate;
  Storage storage;
  A branches;
  bool exact_products = false;  ///< a product reaches its sum unrounded (FMA)
  precision::Summation summation{};
  precision::Exp exp = precision::Exp::correct;
  Division division = Division::div;
  Rsqrt rsqrt = Rsqrt::correct;
  SoftmaxVjp softmax_vjp = SoftmaxVjp::y_times_g_minus_s;
  MaxGradient max_gradient = MaxGradient::stop;
  NormVjp norm_vjp = NormVjp::closed;
};

/// sum_i a(i) b(i) over i in [0, count): products rounded to `compute` or passed on exactly.
template <class A, class F, class G>
ULPSCOPE_HD typename A::value_type product_sum(const Ops<A>& ops, int count, F a, G b) {
  if (ops.exact_products) return precision::dot(ops.accumulate, count, ops.summation, a, b);
  return precision::sum(ops.accumulate, count, ops.summation, [&](int i) { return ops.compute.mul(a(i), b(i)); });
}
/// sum_r x_r in the accumulate format, stored.
template <class A>
ULPSCOPE_HD typename A::value_type stored_sum(const Ops<A>& ops, int count, Rows<A> rows) {
  return ops.storage.round(precision::sum(ops.accumulate, count, ops.summation, [&](int r) { return rows[r]; }));
}

/// a / b, or a times the rounded reciprocal of b.
template <class A>
ULPSCOPE_HD typename A::value_type divide(const Ops<A>& ops, const typename A::value_type& a,
                                          const typename A::value_type& b) {
  if (ops.division == Division::div) return ops.compute.div(a, b);
  return ops.compute.mul(a, ops.compute.div(A::constant(1.0), b));
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::rows
