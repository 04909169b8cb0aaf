// SPDX-License-Identifier: Apache-2.0
// Sums over rows, column by column, in a stated order: gradients of what all windows or entries share.
#pragma once

#include <algorithm>

#include "core/compressor/kernels/job.hpp"
#include "core/compressor/kernels/ops.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

/// One pack of columns, the last of which may be missing.
template <class A>
struct ColumnPack {
  using T = typename A::scalar_type;
  using V = typename A::value_type;
  std::size_t first;
  std::size_t count;  ///< 1 .. lanes

  ULPSCOPE_HD V load(const T* row) const {
    constexpr auto lanes = static_cast<std::size_t>(A::lanes);
    if (count == lanes) return rows::Rows<A>{const_cast<T*>(row) + first, 0}[0];
    T staged[lanes] = {};
    for (std::size_t lane = 0; lane < count; ++lane) staged[lane] = row[first + lane];
    return rows::Rows<A>{staged, 0}[0];
  }
  ULPSCOPE_HD void store(T* row, const V& value) const {
    T staged[A::lanes];
    rows::Rows<A>{staged, 0}.set(0, value);
    for (std::size_t lane = 0; lane < count; ++lane) row[first + lane] = staged[lane];
  }
};

/// One pack's sum over the rows.
template <class A>
ULPSCOPE_HD typename A::value_type sum_columns(const rows::Ops<A>& ops,
                                               const ColumnSumJob<typename A::scalar_type>& job,
                                               const ColumnPack<A>& pack) {
  const int count = static_cast<int>(job.count);
  const auto* const* const factors = job.factors;
  const auto* const* const rows = job.rows;
  const auto term = [&](int i) { return pack.load(rows[i]); };
  const auto factor = [&](int i) { return pack.load(factors[i]); };
  if (!job.continued) {
    if (factors == nullptr) return precision::sum(ops.accumulate, count, ops.summation, term);
    return compressor::rows::product_sum(ops, count, term, factor);
  }
  auto sum = pack.load(job.out);
  for (int i = 0; i < count; ++i) {
    if (factors == nullptr) {
      sum = ops.accumulate.add(sum, term(i));
    } else if (ops.exact_products) {
      sum = ops.accumulate.fma(term(i), factor(i), sum);
    } else {
      sum = ops.accumulate.add(sum, ops.compute.mul(term(i), factor(i)));
    }
  }
  return sum;
}

/// One pack with its own draws.
template <class A>
ULPSCOPE_HD void sum_pack(const rows::Ops<A>& ops, const ColumnSumJob<typename A::scalar_type>& job,
                          const ColumnPack<A>& pack) {
  pack.store(job.out, sum_columns(draw_from(ops, {job.key, job.first + pack.first}), job, pack));
}

/// Columns [begin, end).
template <class A>
void run_column_sum(const ColumnSumJob<typename A::scalar_type>& job, std::size_t begin, std::size_t end) {
  const rows::Ops<A> ops = make_ops<A>(*job.arithmetic);
  constexpr auto lanes = static_cast<std::size_t>(A::lanes);
  for (std::size_t c = begin; c < end; c += lanes) {
    sum_pack(ops, job, ColumnPack<A>{c, std::min(lanes, end - c)});
  }
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
