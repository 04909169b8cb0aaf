// SPDX-License-Identifier: Apache-2.0
// What exact_dot computes of its operands before any block: certificate, sums and sizes of windows, residuals as a
// list.
#include <algorithm>
#include <cmath>

#include "precision/blas.hpp"
#include "precision/exact_dot_block.hpp"
#include "precision/exact_dot_kernels.hpp"

namespace ulpscope::precision {
namespace {

// Beyond so many pairs of windows a compensated sum is faster.
constexpr std::size_t most_pairs = 6;
constexpr std::size_t row_grain = 16;

std::unique_ptr<double[]> numbers(std::size_t count) { return std::make_unique_for_overwrite<double[]>(count); }

/// Every partial sum of products is a multiple of a unit, at most 2^53 of them, and neither over- nor underflows.
bool pair_is_certified(const DotWindow& x, const DotWindow& y) {
  return x.norm * y.norm * (1 + 0x1p-50) <= 0x1p53 && x.lowest_unit * y.lowest_unit >= 0x1p-1074;
}

}  // namespace

DotProduct::DotProduct(const DotOperand& a, const DotOperand& b, const DotResult& result, const DotSettings& settings)
    : a_(a), b_(b), result_(result), settings_(settings), kernels_(exact_dot_kernels_at(settings.level)) {
  use_one_blas_thread();
  certified_ = certify();
  const DotOperand& enclosed = a.enclosed() ? a : b;
  for (std::size_t r = 0; r < enclosed.rows(); ++r) any_tail_ |= enclosed.has_tail(r);
  whole_a_ = sum_windows(a, storage_a_);
  if (!certified_ || any_tail_) whole_b_ = sum_windows(b, storage_b_);
  if (any_tail_) take_sizes(a.enclosed() ? b : a, a.enclosed() ? whole_b_ : whole_a_);
  list_entries();
}

bool DotProduct::certify() const {
  if (a_.cut() == DotCut::whole || b_.cut() == DotCut::whole) return false;
  if (a_.windows() * b_.windows() > most_pairs) return false;
  for (std::size_t i = 0; i < a_.windows(); ++i) {
    for (std::size_t j = 0; j < b_.windows(); ++j) {
      if (!pair_is_certified(a_.window(i), b_.window(j))) return false;
    }
  }
  return true;
}

/// The sum of the windows is the operand rounded to the last one's units: a double.
const double* DotProduct::sum_windows(const DotOperand& operand, std::unique_ptr<double[]>& storage) const {
  if (operand.windows() == 1) return operand.window(0).values.get();
  const std::size_t depth = operand.depth();
  storage = numbers(operand.rows() * depth);
  settings_.ranges(operand.rows(), row_grain, [&](std::size_t begin, std::size_t end) {
    std::copy_n(operand.window(0).values.get() + begin * depth, (end - begin) * depth, storage.get() + begin * depth);
    for (std::size_t w = 1; w < operand.windows(); ++w) {
      const double* values = operand.window(w).values.get();
      for (std::size_t i = begin * depth; i < end * depth; ++i) storage[i] += values[i];
    }
  });
  return storage.get();
}

void DotProduct::take_sizes(const DotOperand& exact, const double* whole) {
  const std::size_t depth = exact.depth();
  sizes_ = numbers(exact.rows() * depth);
  settings_.ranges(exact.rows(), row_grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin * depth; i < end * depth; ++i) sizes_[i] = std::fabs(whole[i]);
  });
}

void DotProduct::list_entries() {
  for (std::size_t j = 0; j < b_.rows(); ++j) {
    for (const DotResidual& residual : b_.residuals(j))
      entries_of_b_.push_back({static_cast<std::uint32_t>(j), residual.k, residual.value});
  }
  roads_.residuals = entries_of_b_.size();
  for (std::size_t i = 0; i < a_.rows(); ++i) roads_.residuals += a_.residuals(i).size();
}

void DotProduct::count(const DotRoads& roads) {
  const std::lock_guard lock(mutex_);
  roads_.certified += roads.certified;
  roads_.sliced += roads.sliced;
  roads_.compensated += roads.compensated;
  roads_.scalar += roads.scalar;
  roads_.nonfinite += roads.nonfinite;
}

}  // namespace ulpscope::precision
