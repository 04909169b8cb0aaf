// SPDX-License-Identifier: Apache-2.0
// Matrix products of enclosures, by their own road: exact by certificate where an operand is exact, which in this layer
// is always so (tokens, weights); else the kernel's. Included once, before the engine is instantiated.
#pragma once

#include <algorithm>
#include <vector>

#include "core/compressor/matrix_product.hpp"
#include "precision/enclosed_number.hpp"
#include "precision/exact_dot.hpp"

namespace ulpscope::compressor {

template <>
class Multiplier<precision::Enclosed> {
 public:
  using Number = precision::Enclosed;
  Multiplier(const kernels::KernelSet<Number>& kernels, unsigned threads) : kernels_(kernels), threads_(threads) {}

  /// Panels are of products whose operands are both enclosed.
  void operator()(const std::vector<MatrixTask<Number>>& tasks) const {
    for (const MatrixTask<Number>& task : tasks) multiply(task.product, *task.panels);
  }
  void operator()(const MatrixProduct<Number>& product) const {
    Workspace<Number> panels(kernels_.memory);
    multiply(product, panels);
  }

 private:
  void multiply(const MatrixProduct<Number>& product, Workspace<Number>& panels) const {
    if (product.rows == 0 || product.columns == 0) return;
    const bool by_rows = product.b.stored_transposed == Transpose::yes;
    const Operand left(product.a, shape(product.rows, product.depth, product.a_row, product.a_depth));
    const std::size_t row = product.b.row;
    const Operand right(product.b.data, by_rows ? shape(product.columns, product.depth, row, 1)
                                                : shape(product.columns, product.depth, 1, row));
    const bool fits = product.depth <= precision::DotOperand::max_depth;
    if (!fits || (!left.exact() && !right.exact())) return through_kernel(product, panels);
    precision::DotSettings settings;
    settings.ranges = [this](std::size_t items, std::size_t grain, const auto& work) {
      parallel_for({0, items, grain}, threads_, work);
    };
    precision::DotOperand a, b;
    a.assign(left.matrix(), settings);
    b.assign(right.matrix(), settings);
    precision::exact_dot(
        a, b,
        {&product.out->high, &product.out->low, &product.out->radius, step * product.columns, step, product.continued},
        settings);
  }
  static constexpr std::size_t step = sizeof(Number) / sizeof(double);

  /// A factor of doubles in an array of numbers; exact: without lows and radii.
  class Operand {
   public:
    Operand(const Number* data, const precision::DotMatrix& shape) : matrix_(shape) {
      matrix_.high = &data->high;
      exact_ = is_exact(data);
      matrix_.row_step *= step;
      matrix_.depth_step *= step;
      if (exact_) return;
      matrix_.low = &data->low;
      matrix_.radius = &data->radius;
    }
    bool exact() const { return exact_; }
    const precision::DotMatrix& matrix() const { return matrix_; }

   private:
    bool is_exact(const Number* data) const {
      for (std::size_t r = 0; r < matrix_.rows; ++r) {
        for (std::size_t k = 0; k < matrix_.depth; ++k) {
          const Number& number = data[r * matrix_.row_step + k * matrix_.depth_step];
          if (number.low != 0 || number.radius != 0) return false;
        }
      }
      return true;
    }
    precision::DotMatrix matrix_;
    bool exact_ = false;
  };
  /// Sizes, and steps in numbers.
  static precision::DotMatrix shape(std::size_t rows, std::size_t depth, std::size_t row, std::size_t along) {
    return {nullptr, nullptr, nullptr, rows, depth, row, along};
  }

  void through_kernel(const MatrixProduct<Number>& product, Workspace<Number>& panels) const {
    if (panels.empty()) PanelPacker(product, kernels_.panel_columns, panels)(threads_);
    const kernels::MultiplyJob<Number> job = job_of(product, panels.data());
    parallel_for({0, product.rows, 4}, threads_,
                 [&](std::size_t begin, std::size_t end) { kernels_.multiply(job, begin, end); });
  }

  const kernels::KernelSet<Number>& kernels_;
  unsigned threads_;
};

}  // namespace ulpscope::compressor
