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
// Covers the roundings of fewer than 2^24 sums of parts of a radius.
constexpr double grow = 1 + 0x1p-28;
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
      depth_(product.b().depth()) {
  const DotResult& result = product.result();
  const std::size_t elements = rows_ * columns_;
  if (result.column_step == 1 && !result.continued) {
    const std::size_t first = begin * result.row_step;
    high_ = result.high + first;
    low_ = result.low + first;
    radius_ = result.radius + first;
    stride_ = result.row_step;
  } else {
    storage_ = numbers(3 * elements);
    high_ = storage_.get();
    low_ = high_ + elements;
    radius_ = low_ + elements;
    stride_ = columns_;
  }
}

void DotBlock::compute() {
  const bool one_pair = product_.certified() && a_.windows() * b_.windows() == 1;
  const bool waits = one_pair && !product_.any_tail();  // then low parts are still in cache when they are needed
  for (std::size_t row = 0; row < rows_ && !waits; ++row) set_low_to_zero(row);
  if (product_.certified()) {
    add_windows();
  } else {
    add_compensated();
  }
  road_ = !product_.certified() ? &DotRoads::compensated : one_pair ? &DotRoads::certified : &DotRoads::sliced;
  roads_.*road_ = rows_ * columns_;
  if (product_.any_tail()) add_tails();
  for (std::size_t row = 0; row < rows_; ++row) {
    if (waits) set_low_to_zero(row);
    add_residuals(row);
    if (product_.result().continued) add_initial(row);
    correct_row(row);
    store_row(row);
  }
  product_.count(roads_);
}

DotSums DotBlock::sums(std::size_t row) const {
  const std::size_t at = row * stride_;
  return {high_ + at, low_ + at, radius_ + at, columns_};
}

void DotBlock::set_low_to_zero(std::size_t row) {
  std::fill_n(sums(row).low, columns_, 0.0);
  std::fill_n(sums(row).radius, columns_, 0.0);
}

double* DotBlock::product() {
  if (!scratch_) scratch_ = numbers(rows_ * columns_);
  return scratch_.get();
}

void DotBlock::add_product() {
  for (std::size_t row = 0; row < rows_; ++row) product_.kernels().add(sums(row), product() + row * columns_);
}

/// out[row, column] = a b^T for rows of a and all of b, `stride` apart.
void DotBlock::multiply(const DotFactors& factors, double* out, std::size_t stride) const {
  if (depth_ == 0) {
    for (std::size_t row = 0; row < factors.rows; ++row) std::fill_n(out + row * stride, columns_, 0.0);
    return;
  }
  BlasCall<double> call;
  call.rows = factors.rows;
  call.columns = columns_;
  call.depth = depth_;
  call.a = factors.a;
  call.a_row = depth_;
  call.b = factors.b;
  call.b_row = depth_;
  call.b_transposed = Transpose::yes;
  call.out = out;
  call.out_row = stride;
  blas_multiply(call);
}

/// The product where its sums are rounded: in calls that do not depend on the block.
void DotBlock::multiply_rounded(const double* a, const double* b) {
  for (std::size_t row = 0; row < rows_; row += dot_block_rows)
    multiply({a + row * depth_, b, std::min(dot_block_rows, rows_ - row)}, product() + row * columns_, columns_);
}

/// Exact, whatever the order in which BLAS adds.
void DotBlock::add_windows() {
  for (std::size_t i = 0; i < a_.windows(); ++i) {
    const double* a = a_.window(i).values.get() + begin_ * depth_;
    for (std::size_t j = 0; j < b_.windows(); ++j) {
      ask_poll();
      const DotFactors factors{a, b_.window(j).values.get(), rows_};
      if (i + j == 0) {
        multiply(factors, high_, stride_);
      } else {
        multiply(factors, product(), columns_);
        add_product();
      }
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
    DotTile tile{{}, panel, depth_, sums(first), stride_, std::min(compensated_rows, rows_)};
    tile.sums.high += column;
    tile.sums.low += column;
    tile.sums.radius += column;
    tile.sums.count = count;
    for (std::size_t r = 0; r < compensated_rows; ++r) tile.a[r] = a + (first + std::min(r, rows_ - 1)) * depth_;
    product_.kernels().compensated(tile);
  }
  for (std::size_t row = 0; row < rows_; ++row) {
    for (std::size_t j = column; j < column + count; ++j) {
      if (a_.is_zero(begin_ + row) || b_.is_zero(j)) sums(row).radius[j] = 0;
    }
  }
}

void DotBlock::add_tails() {
  const std::size_t first = begin_ * depth_;
  ask_poll();
  if (a_.enclosed()) {
    multiply_rounded(a_.tails() + first, product_.whole_b());
  } else {
    multiply_rounded(product_.whole_a() + first, b_.tails());
  }
  add_product();
  ask_poll();
  if (a_.enclosed()) {
    multiply_rounded(a_.slacks() + first, product_.sizes());
  } else {
    multiply_rounded(product_.sizes() + first, b_.slacks());
  }
  add_radii();
}

/// exact_dot.md: what a sum of sizes, rounded depth times, may be below the true one, underflow included.
void DotBlock::add_radii() {
  const auto depth = static_cast<double>(depth_);
  const double factor = 1 + (depth + 4) * 0x1p-52;
  for (std::size_t row = 0; row < rows_; ++row) {
    if (a_.enclosed() ? !a_.has_tail(begin_ + row) : a_.is_zero(begin_ + row)) continue;
    const double* sizes = product() + row * columns_;
    for (std::size_t j = 0; j < columns_; ++j) {
      const bool counts = a_.enclosed() ? !b_.is_zero(j) : b_.has_tail(j);
      if (counts) sums(row).radius[j] += sizes[j] * factor + depth * underflow;
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
  const DotSums sums_of_row = sums(row);
  sums_of_row.high[column] = element.value.high;
  sums_of_row.low[column] = element.value.low;
  sums_of_row.radius[column] = element.value.radius;
  --(roads_.*road_);
  ++(element.nonfinite ? roads_.nonfinite : roads_.scalar);
}

/// Elements that no fast road may touch, and the few of an exact product whose sum did not stay within high + low on
/// its way there.
void DotBlock::correct_row(std::size_t row) {
  const DotSums sums_of_row = sums(row);
  for (std::size_t j = 0; j < columns_; ++j) sums_of_row.radius[j] *= grow;
  if (a_.row(begin_ + row) != DotRow::ordinary) {
    for (std::size_t j = 0; j < columns_; ++j) correct(row, j);
    return;
  }
  std::vector<std::size_t> inexact;
  for (std::size_t j = 0; j < columns_; ++j) {
    const Enclosure start = initial(row, j);
    const bool is_ordinary = std::fabs(start.high) < ordinary_sum && std::fabs(start.low) < ordinary_sum &&
                             start.radius < ordinary_sum && b_.row(j) == DotRow::ordinary;
    if (!is_ordinary) {
      correct(row, j);
    } else if (sums_of_row.radius[j] > start.radius * grow) {
      inexact.push_back(j);
    }
  }
  const bool is_exact = product_.certified() && !product_.enclosed();
  if (!is_exact || inexact.size() > std::max<std::size_t>(least_corrections, columns_ / elements_per_correction))
    return;
  for (const std::size_t j : inexact) correct(row, j);
}

/// A zero is +0; rows that were computed elsewhere go to the result.
void DotBlock::store_row(std::size_t row) {
  const DotResult& result = product_.result();
  const DotSums sums_of_row = sums(row);
  for (std::size_t j = 0; j < columns_; ++j) {
    sums_of_row.high[j] += 0.0;
    sums_of_row.low[j] += 0.0;
  }
  for (std::size_t j = 0; j < columns_ && storage_; ++j) {
    const std::size_t at = (begin_ + row) * result.row_step + j * result.column_step;
    result.high[at] = sums_of_row.high[j];
    result.low[at] = sums_of_row.low[j];
    result.radius[at] = sums_of_row.radius[j];
  }
}

}  // namespace ulpscope::precision
