// SPDX-License-Identifier: Apache-2.0
// One operand of exact_dot: a matrix cut into windows whose products are exact.
#pragma once

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
  /// A window of a row has a 2-norm of at most 2^norm_bits of its units. Where the bits of both operands together
  /// exceed 53, products of windows are not certified: they go another road.
  double norm_bits = 26.5;
  SimdLevel level = best_simd_level();  ///< no level changes a bit
};

/// What lies below the windows of an exact row: multiplied one by one.
struct DotResidual {
  std::uint32_t k;
  double value;
};

/// A matrix of one window of every row: row r holds multiples of a unit of its own, of 2-norm at most `norm` units.
struct DotWindow {
  std::unique_ptr<double[]> values;  ///< [rows, depth]
  std::vector<int> unit;             ///< log2 of each row's unit
  double norm = 0;                   ///< the largest, in units
};

/// Which rows of a matrix may be cut.
enum class DotRow : std::uint8_t {
  ordinary,   ///< finite, its norm zero or far from over- and underflow
  wild,       ///< finite
  nonfinite,  ///< holds a NaN or an infinity
};

/// How a matrix was cut.
enum class DotCut : std::uint8_t {
  windows,  ///< windows and, of an exact matrix, few residuals; of an enclosed one, a tail
  refused,  ///< an exact matrix with more bits than the windows hold: nothing was kept
};

/// A matrix prepared for products along its rows, once for several of them. Its arrays are read again by products: they
/// must stay as they are. Assigned again, it keeps its storage.
class DotOperand {
 public:
  static constexpr std::size_t max_depth = std::size_t{1} << 20;
  static constexpr std::size_t max_windows = 3;

  /// Throws std::invalid_argument: a depth beyond max_depth; one of `low` and `radius` without the other.
  void assign(const DotMatrix& matrix, const DotSettings& settings = {});

  const DotMatrix& matrix() const { return matrix_; }
  bool enclosed() const { return matrix_.low != nullptr; }
  DotCut cut() const { return cut_; }
  DotRow row(std::size_t r) const { return rows_[r]; }
  std::size_t windows() const { return window_count_; }
  const DotWindow& window(std::size_t i) const { return windows_[i]; }
  const std::vector<DotResidual>& residuals(std::size_t r) const { return residuals_[r]; }
  /// Of an enclosed matrix: [rows, depth], what high + low has beyond the windows, up to `slack`.
  const double* tail() const { return tail_.get(); }
  /// Of an enclosed matrix: [rows, depth], at least radius + what the tail and its product round away.
  const double* slack() const { return slack_.get(); }
  /// Whether the row's tail and slack are zero throughout.
  bool plain(std::size_t r) const { return plain_[r] != 0; }
  double norm_bits() const { return settings_.norm_bits; }

 private:
  struct Row;
  void cut_into_windows();
  void add_window();
  void cut_row(std::size_t r, Row& row);
  void collect_residuals(std::size_t r, Row& row);
  void keep_tail(std::size_t r, Row& row);

  DotMatrix matrix_;
  DotSettings settings_;
  DotCut cut_ = DotCut::windows;
  std::vector<DotRow> rows_;
  std::size_t window_count_ = 0;
  DotWindow windows_[max_windows];
  std::vector<std::vector<DotResidual>> residuals_;
  std::unique_ptr<double[]> tail_, slack_;
  std::vector<std::uint8_t> plain_;
  std::size_t capacity_ = 0;
};

}  // namespace ulpscope::precision
