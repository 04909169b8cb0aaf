// SPDX-License-Identifier: Apache-2.0
// One operand of exact_dot: a matrix cut into windows whose products are exact.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "precision/simd_level.hpp"

namespace ulpscope::precision {

/// Numbers of a matrix whose rows are summed along: number (r, k) is at [r * row_step + k * depth_step] of each array,
/// so a transposed matrix, or an array of structures, is a matter of steps. It lies within `radius` of high + low;
/// where `low` and `radius` are null, numbers are exact: plain doubles.
struct DotMatrix {
  const double* high = nullptr;
  const double* low = nullptr;
  const double* radius = nullptr;  ///< >= 0
  std::size_t rows = 0;
  std::size_t depth = 0;  ///< the summed index; at most 2^20
  std::size_t row_step = 0;
  std::size_t depth_step = 1;
};

/// Calls its third argument for ranges [begin, end) that cover [0, items), in multiples of the second, on any threads.
using Ranges = std::function<void(std::size_t, std::size_t, const std::function<void(std::size_t, std::size_t)>&)>;
/// One range, on the calling thread.
void in_one_range(std::size_t items, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& work);

struct DotSettings {
  Ranges ranges = in_one_range;
  /// Of operands: a window of a row has a 2-norm of at most 2^norm_bits of its units, from 12 to 40. Where the bits of
  /// both operands together exceed 53, products of windows may not be certified: they go another road.
  double norm_bits = 26.5;
  /// Changes no bit, unless a product of two numbers is below 2^-960.
  SimdLevel level = best_simd_level();
};

/// What lies below the windows of an exact row: multiplied one by one.
struct DotResidual {
  std::uint32_t k;
  double value;
};

/// A matrix of one window of every row: row r holds multiples of a unit of its own, a power of two.
struct DotWindow {
  std::unique_ptr<double[]> values;  ///< [rows, depth]; rows that are not ordinary are zero
  std::vector<double> unit;          ///< of each row; 0 where there is nothing to cut
  std::vector<double> norms;         ///< at least each row's 2-norm, in its units
  double norm = 0;                   ///< the largest of them
  double lowest_unit = 0;            ///< infinite where there is none
};

/// Which rows of a matrix may be cut.
enum class DotRow : std::uint8_t {
  ordinary,   ///< zero, or finite with a norm in 2^-430 .. 2^450
  wild,       ///< any other finite row
  nonfinite,  ///< holds a NaN or an infinity
};

/// How a matrix was cut.
enum class DotCut : std::uint8_t {
  windows,  ///< windows hold an exact matrix but for few residuals, an enclosed one but for tails
  whole,    ///< an exact matrix with more bits than that: its one "window" is the matrix, without units
};

/// A matrix prepared for products along its rows, once for several of them. Its arrays are read again by products: they
/// must stay as they are. Assigned again, it keeps its storage.
class DotOperand {
 public:
  static constexpr std::size_t max_depth = std::size_t{1} << 20;
  static constexpr std::size_t max_windows = 3;

  /// Throws std::invalid_argument: a depth beyond max_depth; only one of `low` and `radius`; norm_bits outside 12
  /// .. 40.
  void assign(const DotMatrix& matrix, const DotSettings& settings = {});

  /// The numbers, their rows contiguous: the given arrays, or copies of them.
  const DotMatrix& matrix() const { return matrix_; }
  std::size_t rows() const { return matrix_.rows; }
  std::size_t depth() const { return matrix_.depth; }
  bool enclosed() const { return matrix_.low != nullptr; }
  DotCut cut() const { return cut_; }
  DotRow row(std::size_t r) const { return kinds_[r]; }
  /// An ordinary row whose high parts are zero.
  bool is_zero(std::size_t r) const { return kinds_[r] == DotRow::ordinary && windows_[0].unit[r] == 0; }
  std::size_t windows() const { return window_count_; }
  const DotWindow& window(std::size_t i) const { return windows_[i]; }
  /// What windows leave of an exact row, in the order of k.
  const std::vector<DotResidual>& residuals(std::size_t r) const { return residuals_[r]; }
  /// Of an enclosed matrix, [rows, depth]: the nearest doubles to what windows leave of high + low.
  const double* tails() const { return tails_.get(); }
  /// Of an enclosed matrix, [rows, depth]: at least the radius and what tails and their products with unit factors
  /// round away.
  const double* slacks() const { return slacks_.get(); }
  /// Whether an enclosed row has tails or slacks.
  bool has_tail(std::size_t r) const { return has_tail_[r] != 0; }

 private:
  struct Scratch;
  void pack();
  void resize();
  void for_rows(const std::function<void(std::size_t, Scratch&)>& work);
  const double* numbers_of_row(std::size_t r) const { return matrix_.high + r * matrix_.row_step; }
  void load_rest(std::size_t r, Scratch& scratch) const;
  void classify_and_cut(std::size_t r);
  void cut_rest(std::size_t r, Scratch& scratch);
  void cut_row(std::size_t r, double norm, const double* x);
  void finish_window();
  bool few_are_left() const;
  void keep_residuals(std::size_t r, Scratch& scratch);
  void keep_tail(std::size_t r, Scratch& scratch);
  void keep_whole(std::size_t r);
  double* window_row(std::size_t r) { return windows_[window_count_ - 1].values.get() + r * matrix_.depth; }

  DotMatrix matrix_;
  DotSettings settings_;
  DotCut cut_ = DotCut::windows;
  std::size_t capacity_ = 0;
  std::size_t window_count_ = 0;
  std::array<DotWindow, max_windows> windows_;
  std::vector<DotRow> kinds_;
  std::vector<std::uint32_t> left_;  ///< numbers of each row that the windows so far do not hold
  std::vector<std::vector<DotResidual>> residuals_;
  std::unique_ptr<double[]> tails_, slacks_;
  std::vector<std::uint8_t> has_tail_;
  std::unique_ptr<double[]> packed_;  ///< high, low, radius where their rows were not contiguous
  std::size_t packed_capacity_ = 0;
};

}  // namespace ulpscope::precision
