// SPDX-License-Identifier: Apache-2.0
// Cuts the rows of a matrix into windows: exact_dot.md has the proofs.
#include "precision/dot_operand.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

#include "precision/exact_dot_kernels.hpp"

namespace ulpscope::precision {
namespace {

constexpr double unit_roundoff = 0x1p-53;
constexpr std::size_t row_grain = 16;
// More than products of ordinary rows can have; 2^-1070 is more than what underflow takes from a handful of operations.
constexpr double ordinary_size = 0x1p450;
constexpr double underflow = 0x1p-1070;
// Squared norms outside are left to other roads: units and products of windows then neither overflow nor underflow.
constexpr double least_square = 0x1p-860;
constexpr double largest_square = 0x1p900;
// Beyond one residual in so many numbers, another window costs less.
constexpr std::size_t numbers_per_residual = 256;
// Of one window, parts of a row that it holds are passed over so many numbers at a time.
constexpr std::size_t scanned = 64;
constexpr std::size_t enclosed_windows = 2;

/// At least the 2-norm, from a sum of at most 2^20 squares in any order: (1 + 2^-31) covers gamma_n and underflow.
double norm_from(double squares) { return std::sqrt(squares * (1 + 0x1p-31)) * (1 + 0x1p-50); }

/// At least the norm, in units, of what rounding to multiples of a unit adds to a row.
double rounding_norm(std::size_t depth) { return std::sqrt(static_cast<double>(depth)) / 2 * (1 + 0x1p-50); }

void require(const DotMatrix& matrix, const DotSettings& settings) {
  if (matrix.depth > DotOperand::max_depth)
    throw std::invalid_argument("exact_dot: a depth of " + std::to_string(matrix.depth) + "; at most " +
                                std::to_string(DotOperand::max_depth) + " is known");
  if ((matrix.low == nullptr) != (matrix.radius == nullptr))
    throw std::invalid_argument("exact_dot: an enclosed matrix has both low parts and radii");
  if (!(settings.norm_bits >= 12 && settings.norm_bits <= 40))
    throw std::invalid_argument("exact_dot: norm_bits is a number from 12 to 40");
}

std::unique_ptr<double[]> numbers(std::size_t count) { return std::make_unique_for_overwrite<double[]>(count); }

}  // namespace

void in_one_range(std::size_t items, std::size_t, const std::function<void(std::size_t, std::size_t)>& work) {
  if (items > 0) work(0, items);
}

struct DotOperand::Scratch {
  explicit Scratch(std::size_t depth) : rest(numbers(depth)) {}
  std::unique_ptr<double[]> rest;
};

void DotOperand::assign(const DotMatrix& matrix, const DotSettings& settings) {
  require(matrix, settings);
  matrix_ = matrix;
  settings_ = settings;
  pack();
  resize();
  cut_ = DotCut::windows;
  for_rows([this](std::size_t r, Scratch&) { classify_and_cut(r); });
  finish_window();
  const auto add_window = [this] {
    if (!windows_[window_count_].values) windows_[window_count_].values = numbers(capacity_);
    ++window_count_;
    for_rows([this](std::size_t r, Scratch& scratch) { cut_rest(r, scratch); });
    finish_window();
  };
  if (enclosed()) {
    while (window_count_ < enclosed_windows) add_window();
    for_rows([this](std::size_t r, Scratch& scratch) { keep_tail(r, scratch); });
    return;
  }
  while (!few_are_left() && window_count_ < max_windows) add_window();
  if (few_are_left()) {
    for_rows([this](std::size_t r, Scratch& scratch) { keep_residuals(r, scratch); });
  } else {
    cut_ = DotCut::whole;
    window_count_ = 1;
    for_rows([this](std::size_t r, Scratch&) { keep_whole(r); });
  }
}

/// Copies rows that are not contiguous, read along whatever is nearer in memory.
void DotOperand::pack() {
  if (matrix_.depth_step == 1) return;
  const std::size_t rows = matrix_.rows, depth = matrix_.depth, count = rows * depth;
  const DotMatrix from = matrix_;
  const std::size_t arrays = enclosed() ? 3 : 1;
  if (arrays * count > packed_capacity_) {
    packed_capacity_ = arrays * count;
    packed_ = numbers(packed_capacity_);
  }
  matrix_ = {packed_.get(), nullptr, nullptr, rows, depth, depth, 1};
  if (from.low != nullptr) matrix_.low = packed_.get() + count;
  if (from.low != nullptr) matrix_.radius = packed_.get() + 2 * count;
  const auto copy = [&from, depth](const double* source, double* to, std::size_t first, std::size_t last) {
    if (from.depth_step <= from.row_step) {
      for (std::size_t r = first; r < last; ++r) {
        for (std::size_t k = 0; k < depth; ++k) to[r * depth + k] = source[r * from.row_step + k * from.depth_step];
      }
    } else {
      for (std::size_t k = 0; k < depth; ++k) {
        for (std::size_t r = first; r < last; ++r) to[r * depth + k] = source[r * from.row_step + k * from.depth_step];
      }
    }
  };
  settings_.ranges(rows, row_grain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t first = begin; first < end; first += row_grain) {
      const std::size_t last = std::min(end, first + row_grain);
      copy(from.high, packed_.get(), first, last);
      if (arrays > 1) copy(from.low, packed_.get() + count, first, last);
      if (arrays > 1) copy(from.radius, packed_.get() + 2 * count, first, last);
    }
  });
}

void DotOperand::resize() {
  const std::size_t count = matrix_.rows * matrix_.depth;
  if (count > capacity_) {
    capacity_ = count;
    for (DotWindow& window : windows_) window.values.reset();
    tails_.reset();
    slacks_.reset();
  }
  for (DotWindow& window : windows_) {
    window.unit.assign(matrix_.rows, 0);
    window.norms.assign(matrix_.rows, 0);
  }
  if (!windows_[0].values) windows_[0].values = numbers(capacity_);
  if (enclosed() && !tails_) tails_ = numbers(capacity_);
  if (enclosed() && !slacks_) slacks_ = numbers(capacity_);
  window_count_ = 1;
  kinds_.assign(matrix_.rows, DotRow::ordinary);
  left_.assign(matrix_.rows, 0);
  residuals_.assign(matrix_.rows, {});
  has_tail_.assign(matrix_.rows, 0);
}

void DotOperand::for_rows(const std::function<void(std::size_t, Scratch&)>& work) {
  settings_.ranges(matrix_.rows, row_grain, [&](std::size_t begin, std::size_t end) {
    Scratch scratch(matrix_.depth);
    for (std::size_t r = begin; r < end; ++r) work(r, scratch);
  });
}

/// What the windows so far leave of a row: each subtraction is exact.
void DotOperand::load_rest(std::size_t r, Scratch& scratch) const {
  const double* x = numbers_of_row(r);
  const std::size_t offset = r * matrix_.depth;
  std::copy_n(x, matrix_.depth, scratch.rest.get());
  for (std::size_t i = 0; i < window_count_; ++i) {
    if (windows_[i].unit[r] == 0) continue;
    for (std::size_t k = 0; k < matrix_.depth; ++k) scratch.rest[k] -= windows_[i].values[offset + k];
  }
}

void DotOperand::classify_and_cut(std::size_t r) {
  const double* x = numbers_of_row(r);
  const double squares = exact_dot_kernels_at(settings_.level).sum_of_squares(x, matrix_.depth);
  if (squares >= least_square && squares <= largest_square) return cut_row(r, norm_from(squares), x);
  std::fill_n(window_row(r), matrix_.depth, 0.0);
  const auto is_zero = [](double value) { return value == 0; };
  const auto is_finite = [](double value) { return std::isfinite(value); };
  if (!std::all_of(x, x + matrix_.depth, is_finite)) {
    kinds_[r] = DotRow::nonfinite;
  } else if (!std::all_of(x, x + matrix_.depth, is_zero)) {
    kinds_[r] = DotRow::wild;
  }
}

void DotOperand::cut_rest(std::size_t r, Scratch& scratch) {
  if (left_[r] == 0) return void(std::fill_n(window_row(r), matrix_.depth, 0.0));
  load_rest(r, scratch);
  const double squares = exact_dot_kernels_at(settings_.level).sum_of_squares(scratch.rest.get(), matrix_.depth);
  // Where squares underflow: every rest is at most half a unit of the window before.
  const double before = windows_[window_count_ - 2].unit[r];
  cut_row(r, squares >= least_square ? norm_from(squares) : rounding_norm(matrix_.depth) * before, scratch.rest.get());
}

/// Cuts x, of at most this norm, into row r of the newest window: its unit is the smallest power of two in which the
/// window's norm stays below the limit.
void DotOperand::cut_row(std::size_t r, double norm, const double* x) {
  DotWindow& window = windows_[window_count_ - 1];
  const double added = rounding_norm(matrix_.depth);
  int exponent = 0;
  std::frexp(norm / (std::exp2(settings_.norm_bits) * (1 - 0x1p-40) - added), &exponent);
  window.unit[r] = std::ldexp(1.0, exponent);
  window.norms[r] = (norm / window.unit[r] + added) * (1 + 0x1p-50);
  const DotCutting cutting{x, matrix_.depth, window.unit[r], window_row(r)};
  left_[r] = static_cast<std::uint32_t>(exact_dot_kernels_at(settings_.level).cut(cutting));
}

void DotOperand::finish_window() {
  DotWindow& window = windows_[window_count_ - 1];
  window.lowest_unit = std::numeric_limits<double>::infinity();
  window.norm = 0;
  for (std::size_t r = 0; r < matrix_.rows; ++r) {
    if (window.unit[r] > 0) window.lowest_unit = std::min(window.lowest_unit, window.unit[r]);
    window.norm = std::max(window.norm, window.norms[r]);
  }
}

bool DotOperand::few_are_left() const {
  std::size_t left = 0;
  for (const std::uint32_t count : left_) left += count;
  return left <= matrix_.rows * std::max<std::size_t>(4, matrix_.depth / numbers_per_residual);
}

void DotOperand::keep_residuals(std::size_t r, Scratch& scratch) {
  if (left_[r] == 0) return;
  const double* x = numbers_of_row(r);
  const double* window = windows_[0].values.get() + r * matrix_.depth;
  if (window_count_ > 1) load_rest(r, scratch);
  residuals_[r].reserve(left_[r]);
  for (std::size_t first = 0; first < matrix_.depth; first += scanned) {
    const std::size_t count = std::min(scanned, matrix_.depth - first);
    if (window_count_ == 1 && std::memcmp(x + first, window + first, count * sizeof(double)) == 0) continue;
    for (std::size_t k = first; k < first + count; ++k) {
      const double rest = window_count_ == 1 ? x[k] - window[k] : scratch.rest[k];
      if (rest != 0) residuals_[r].push_back({static_cast<std::uint32_t>(k), rest});
    }
  }
}

void DotOperand::keep_tail(std::size_t r, Scratch& scratch) {
  const std::size_t offset = r * matrix_.depth;
  double* tail = tails_.get() + offset;
  double* slack = slacks_.get() + offset;
  load_rest(r, scratch);
  // A tail is rounded once, its product with the other operand depth times: exact_dot.md.
  const double share = (static_cast<double>(matrix_.depth) + 4) * unit_roundoff;
  for (std::size_t k = 0; k < matrix_.depth && kinds_[r] == DotRow::ordinary; ++k) {
    const std::size_t at = r * matrix_.row_step + k;
    tail[k] = scratch.rest[k] + matrix_.low[at];
    slack[k] = (matrix_.radius[at] + share * std::fabs(tail[k])) * (1 + 0x1p-50);
    if (tail[k] == 0 && matrix_.radius[at] == 0) continue;
    slack[k] += underflow;
    has_tail_[r] = 1;
    const bool is_ordinary = std::fabs(tail[k]) < ordinary_size && slack[k] < ordinary_size && matrix_.radius[at] >= 0;
    if (!is_ordinary) kinds_[r] = DotRow::wild;
  }
  if (kinds_[r] == DotRow::ordinary) return;
  has_tail_[r] = 0;
  std::fill_n(tail, matrix_.depth, 0.0);
  std::fill_n(slack, matrix_.depth, 0.0);
  for (std::size_t i = 0; i < window_count_; ++i) std::fill_n(windows_[i].values.get() + offset, matrix_.depth, 0.0);
}

void DotOperand::keep_whole(std::size_t r) {
  const double* x = numbers_of_row(r);
  if (kinds_[r] == DotRow::ordinary) std::copy_n(x, matrix_.depth, window_row(r));
}

}  // namespace ulpscope::precision
