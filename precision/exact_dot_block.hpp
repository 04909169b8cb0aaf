// SPDX-License-Identifier: Apache-2.0
// What exact_dot knows of its two operands, and its work on a block of rows.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "precision/exact_accumulator.hpp"
#include "precision/exact_dot.hpp"
#include "precision/exact_dot_levels.hpp"

namespace ulpscope::precision {

inline constexpr std::size_t dot_block_rows = 256;

/// Both operands, and what is computed of them once for all blocks.
class DotProduct {
 public:
  DotProduct(const DotOperand& a, const DotOperand& b, const DotResult& result, const DotSettings& settings);

  const DotOperand& a() const { return a_; }
  const DotOperand& b() const { return b_; }
  const DotResult& result() const { return result_; }
  const ExactDotKernels& kernels() const { return kernels_; }
  /// Whether every pair of windows has exact products; else sums are compensated.
  bool certified() const { return certified_; }
  bool any_tail() const { return any_tail_; }
  bool enclosed() const { return a_.enclosed() || b_.enclosed(); }
  /// [rows, depth]: the sums of the operands' windows, which are doubles.
  const double* whole_a() const { return whole_a_; }
  const double* whole_b() const { return whole_b_; }
  /// [rows, depth]: the sizes of the exact operand's sums, where the other has tails.
  const double* sizes() const { return sizes_.get(); }
  const std::vector<DotEntry>& entries_of_b() const { return entries_of_b_; }

  void count(const DotRoads& roads);
  DotRoads roads() const { return roads_; }

 private:
  bool certify() const;
  const double* sum_windows(const DotOperand& operand, std::unique_ptr<double[]>& storage) const;
  void take_sizes(const DotOperand& exact, const double* whole);
  void list_entries();

  const DotOperand& a_;
  const DotOperand& b_;
  const DotResult result_;
  const DotSettings& settings_;
  const ExactDotKernels& kernels_;
  bool certified_ = false;
  bool any_tail_ = false;
  std::unique_ptr<double[]> storage_a_, storage_b_, sizes_;
  const double* whole_a_ = nullptr;
  const double* whole_b_ = nullptr;
  std::vector<DotEntry> entries_of_b_;
  std::mutex mutex_;
  DotRoads roads_;
};

/// `rows` rows of a and all of b, each [rows, depth].
struct DotFactors {
  const double* a;
  const double* b;
  std::size_t rows;
};

/// Rows [begin, end) of the result.
class DotBlock {
 public:
  DotBlock(DotProduct& product, std::size_t begin, std::size_t end);
  void compute();

 private:
  void set_low_to_zero(std::size_t row);
  void add_windows();
  void add_product();
  void add_compensated();
  void compensate_panel(const double* panel, std::size_t column);
  void add_tails();
  void add_radii();
  void add_residuals(std::size_t row);
  void add_initial(std::size_t row);
  void correct_row(std::size_t row);
  void correct(std::size_t row, std::size_t column);
  void store_row(std::size_t row);

  void multiply(const DotFactors& factors, double* out, std::size_t stride) const;
  void multiply_rounded(const double* a, const double* b);
  Enclosure initial(std::size_t row, std::size_t column) const;
  DotSums sums(std::size_t row) const;
  double* product();

  DotProduct& product_;
  const DotOperand& a_;
  const DotOperand& b_;
  std::size_t begin_, rows_, columns_, depth_;
  std::unique_ptr<double[]> storage_, scratch_;
  double *high_, *low_, *radius_;  ///< row r at r * stride_: the result's own rows where they may be written early
  std::size_t stride_;
  std::size_t DotRoads::*road_;  ///< of elements that are not corrected
  DotRoads roads_;
};

}  // namespace ulpscope::precision
