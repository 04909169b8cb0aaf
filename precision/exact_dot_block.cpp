// SPDX-License-Identifier: Apache-2.0
// A block of rows of exact_dot: windows, tails, residuals, the initial sums, then what only the exact road can have.
#include "precision/exact_dot_block.hpp"

#include <algorithm>
#include <cmath>

#include "precision/blas.hpp"
#include "precision/exact_dot_element.hpp"
#include "precision/poll.hpp"

namespace ulpscope::precision {
namespace {

constexpr double underflow = 0x1p-1070;
// Larger initial sums go element by element: here they could overflow.
constexpr double ordinary_sum = 0x1p900;
// A row with more inexact elements than one in so many (and than the least) keeps their radii.
constexpr std::size_t elements_per_correction = 128;
constexpr std::size_t least_corrections = 8;

std::unique_ptr<double[]> numbers(std::size_t count) { return std::make_unique_for_overwrite<double[]>(count); }

}  // namespace

DotBlock::DotBlock(DotProduct& product, std::size_t begin, std::size_t end)
    : product_(product),
      a_(product.a()),
      b_(product.b()),
      begin_(begin),
      rows_(end - begin),
      columns_(product.b().rows()),
      depth_(product.b().depth()),
      high_(numbers(rows_ * columns_)),
      low_(numbers(rows_ * columns_)),
      radius_(numbers(rows_ * columns_)) {}

void DotBlock::compute() {
  std::fill_n(low_.get(), rows_ * columns_, 0.0);
  std::fill_n(radius_.get(), rows_ * columns_, 0.0);
  const std::size_t elements = rows_ * columns_;
  if (product_.certified()) {
    add_windows();
    (a_.windows() * b_.windows() == 1 ? roads_.certified : roads_.sliced) = elements;
  } else {
    add_compensated();
    roads_.compensated = elements;
  }
  if (product_.any_tail()) add_tails();
  for (std::size_t row = 0; row < rows_; ++row) {
    add_residuals(row);
    if (product_.result().continued) add_initial(row);
    correct_row(row);
    store_row(row);
  }
  product_.count(roads_);
}

DotSums DotBlock::sums(std::size_t row) {
  const std::size_t at = row * columns_;
  return {high_.get() + at, low_.get() + at, radius_.get() + at, columns_};
}

double* DotBlock::product() {
  if (!scratch_) scratch_ = numbers(rows_ * columns_);
  return scratch_.get();
}

/// out = a b^T: rows_ rows of a, all of b. Exact for windows, whatever the order of its sums.
void DotBlock::multiply(const double* a, const double* b, double* out) const {
  if (depth_ == 0) return void(std::fill_n(out, rows_ * columns_, 0.0));
  BlasCall<double> call;
  call.rows = rows_;
  call.columns = columns_;
  call.depth = depth_;
  call.a = a;
  call.a_row = depth_;
  call.b = b;
  call.b_row = depth_;
  call.b_transposed = Transpose::yes;
  call.out = out;
  call.out_row = columns_;
  blas_multiply(call);
}

/// The same where sums are rounded: in calls that do not depend on the block.
void DotBlock::multiply_fixed(const double* a, const double* b, double* out) const {
  BlasCall<double> call;
  call.columns = columns_;
  call.depth = depth_;
  call.a_row = depth_;
  call.b = b;
  call.b_row = depth_;
  call.b_transposed = Transpose::yes;
  call.out_row = columns_;
  for (std::size_t row = 0; row < rows_; row += dot_block_rows) {
    call.rows = std::min(dot_block_rows, rows_ - row);
    call.a = a + row * depth_;
    call.out = out + row * columns_;
    blas_multiply(call);
  }
}

void DotBlock::add_windows() {
  for (std::size_t i = 0; i < a_.windows(); ++i) {
    const double* a = a_.window(i).values.get() + begin_ * depth_;
    for (std::size_t j = 0; j < b_.windows(); ++j) {
      ask_poll();
      const double* b = b_.window(j).values.get();
      if (i + j == 0) {
        multiply(a, b, high_.get());
        continue;
      }
      multiply(a, b, product());
      const DotSums all{high_.get(), low_.get(), radius_.get(), rows_ * columns_};
      product_.kernels().add(all, product());
    }
  }
}

void DotBlock::add_compensated() {
  const auto panel = std::make_unique<double[]>(depth_ * compensated_columns);
  const double* b = product_.whole_b();
  for (std::size_t column = 0; column < columns_; column += compensated_columns) {
    ask_poll();
    for (std::size_t c = 0; c < compensated_columns; ++c) {
      const bool inside = column + c < columns_;
      for (std::size_t k = 0; k < depth_; ++k)
        panel[k * compensated_columns + c] = inside ? b[(column + c) * depth_ + k] : 0;
    }
    compensate_panel(panel.get(), column);
  }
}

void DotBlock::compensate_panel(const double* panel, std::size_t column) {
  const std::size_t count = std::min(compensated_columns, columns_ - column);
  const double* a = product_.whole_a() + begin_ * depth_;
  for (std::size_t row = 0; row < rows_; row += compensated_rows) {
    // The last tile computes its rows again rather than rows that are not there.
    const std::size_t first = rows_ < compensated_rows ? row : std::min(row, rows_ - compensated_rows);
    DotTile tile{{}, panel, depth_, sums(first), columns_, std::min(compensated_rows, rows_)};
    tile.sums.high += column;
    tile.sums.low += column;
    tile.sums.radius += column;
    tile.sums.count = count;
    for (std::size_t r = 0; r < compensated_rows; ++r) tile.a[r] = a + (first + std::min(r, rows_ - 1)) * depth_;
    product_.kernels().compensated(tile);
  }
  for (std::size_t row = 0; row < rows_; ++row) {
    for (std::size_t j = column; j < column + count; ++j) {
      if (a_.is_zero(begin_ + row) || b_.is_zero(j)) radius_[row * columns_ + j] = 0;
    }
  }
}

void DotBlock::add_tails() {
  const std::size_t first = begin_ * depth_;
  const DotSums all{high_.get(), low_.get(), radius_.get(), rows_ * columns_};
  ask_poll();
  if (a_.enclosed()) {
    multiply_fixed(a_.tails() + first, product_.whole_b(), product());
  } else {
    multiply_fixed(product_.whole_a() + first, b_.tails(), product());
  }
  product_.kernels().add(all, product());
  ask_poll();
  if (a_.enclosed()) {
    multiply_fixed(a_.slacks() + first, product_.sizes(), product());
  } else {
    multiply_fixed(product_.sizes() + first, b_.slacks(), product());
  }
  add_radii(product());
}

/// exact_dot.md: what a sum of sizes, rounded depth times, may be below the true one, underflow included.
void DotBlock::add_radii(const double* sizes) {
  const auto depth = static_cast<double>(depth_);
  const double factor = 1 + (depth + 4) * 0x1p-52;
  for (std::size_t row = 0; row < rows_; ++row) {
    const bool row_counts = a_.enclosed() ? a_.has_tail(begin_ + row) : !a_.is_zero(begin_ + row);
    for (std::size_t j = 0; j < columns_ && row_counts; ++j) {
      const bool counts = a_.enclosed() ? !b_.is_zero(j) : b_.has_tail(j);
      const std::size_t at = row * columns_ + j;
      if (counts) radius_[at] += sizes[at] * factor + depth * underflow;
    }
  }
}

/// Each residual of an exact operand, times everything it meets in the other (of an exact b: in a's windows, as a's own
/// residuals have met all of b).
void DotBlock::add_residuals(std::size_t row) {
  const DotSums sums_of_row = sums(row);
  const ExactDotKernels& kernels = product_.kernels();
  const DotMatrix& b = b_.matrix();
  for (const DotResidual& residual : a_.residuals(begin_ + row)) {
    const std::size_t at = residual.k * b.depth_step;
    kernels.add_multiple(sums_of_row, residual.value, {b.high + at, b.row_step});
    if (!b_.enclosed()) continue;
    kernels.add_multiple(sums_of_row, residual.value, {b.low + at, b.row_step});
    for (std::size_t j = 0; j < columns_; ++j) {
      const double radius = b.radius[at + j * b.row_step];
      if (radius > 0) sums_of_row.radius[j] += std::fabs(residual.value) * radius + underflow;
    }
  }
  const DotEntries entries{product_.entries_of_b().data(), product_.entries_of_b().size()};
  if (!a_.enclosed())
    return kernels.add_entries(sums_of_row, {product_.whole_a() + (begin_ + row) * depth_, 1}, entries);
  const DotMatrix& a = a_.matrix();
  const std::size_t at = (begin_ + row) * a.row_step;
  kernels.add_entries(sums_of_row, {a.high + at, a.depth_step}, entries);
  kernels.add_entries(sums_of_row, {a.low + at, a.depth_step}, entries);
  for (const DotEntry& entry : product_.entries_of_b()) {
    const double radius = a.radius[at + entry.k * a.depth_step];
    if (radius > 0) sums_of_row.radius[entry.row] += std::fabs(entry.value) * radius + underflow;
  }
}

Enclosure DotBlock::initial(std::size_t row, std::size_t column) const {
  const DotResult& result = product_.result();
  const std::size_t at = (begin_ + row) * result.row_step + column * result.column_step;
  if (!result.continued) return {};
  return {result.high[at], result.low[at], result.radius[at]};
}

void DotBlock::add_initial(std::size_t row) {
  const auto high = numbers(columns_);
  const auto low = numbers(columns_);
  const DotSums sums_of_row = sums(row);
  for (std::size_t j = 0; j < columns_; ++j) {
    const Enclosure value = initial(row, j);
    high[j] = value.high;
    low[j] = value.low;
    sums_of_row.radius[j] += value.radius;
  }
  product_.kernels().add(sums_of_row, high.get());
  product_.kernels().add(sums_of_row, low.get());
}

void DotBlock::correct(std::size_t row, std::size_t column) {
  const DotElementResult element = dot_element({a_.matrix(), begin_ + row, b_.matrix(), column, initial(row, column)});
  const std::size_t at = row * columns_ + column;
  high_[at] = element.value.high;
  low_[at] = element.value.low;
  radius_[at] = element.value.radius;
  std::size_t& road = roads_.compensated > 0 ? roads_.compensated
                      : roads_.sliced > 0    ? roads_.sliced
                                             : roads_.certified;
  --road;
  ++(element.nonfinite ? roads_.nonfinite : roads_.scalar);
}

/// Elements that no fast road may touch, and the few of an exact product whose sum did not stay within high + low on
/// its way there.
void DotBlock::correct_row(std::size_t row) {
  const DotSums sums_of_row = sums(row);
  // Radii were added up, each sum rounded: at most 2^22 of them.
  for (std::size_t j = 0; j < columns_; ++j) sums_of_row.radius[j] *= 1 + 0x1p-30;
  if (a_.row(begin_ + row) != DotRow::ordinary) {
    for (std::size_t j = 0; j < columns_; ++j) correct(row, j);
    return;
  }
  for (const std::size_t j : product_.exceptional_columns()) correct(row, j);
  std::vector<std::size_t> inexact;
  for (std::size_t j = 0; j < columns_; ++j) {
    if (b_.row(j) != DotRow::ordinary) continue;
    const Enclosure start = initial(row, j);
    const bool is_ordinary =
        std::fabs(start.high) < ordinary_sum && std::fabs(start.low) < ordinary_sum && start.radius < ordinary_sum;
    if (!is_ordinary) {
      correct(row, j);
    } else if (sums_of_row.radius[j] > start.radius * (1 + 0x1p-30)) {
      inexact.push_back(j);
    }
  }
  const bool is_exact = product_.certified() && !product_.enclosed();
  if (!is_exact || inexact.size() > std::max<std::size_t>(least_corrections, columns_ / elements_per_correction))
    return;
  for (const std::size_t j : inexact) correct(row, j);
}

void DotBlock::store_row(std::size_t row) {
  const DotResult& result = product_.result();
  const DotSums sums_of_row = sums(row);
  for (std::size_t j = 0; j < columns_; ++j) {
    const std::size_t at = (begin_ + row) * result.row_step + j * result.column_step;
    result.high[at] = sums_of_row.high[j] + 0.0;  // a zero is +0
    result.low[at] = sums_of_row.low[j] + 0.0;
    result.radius[at] = sums_of_row.radius[j];
  }
}

}  // namespace ulpscope::precision
