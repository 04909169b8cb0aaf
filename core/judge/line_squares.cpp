// SPDX-License-Identifier: Apache-2.0
// Squares in the values' own format, a few rows together: their sums are wanted as bounds, not to the last bit.
#include "core/judge/line_squares.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <span>

#include "core/compressor/parallel.hpp"
#include "core/judge/array_loops.hpp"

namespace ulpscope::judge {
namespace {

/// Rows whose squares are added in the values' own format: their sum is off by less than its hundredth.
constexpr std::size_t rows_together = 128;
constexpr double margin = 1.01;

/// A row's sum of squares, which are added to those of the columns too.
template <class T>
double squares_of_row(const T* values, std::vector<T>& columns) {
  std::array<T, row_lanes> lanes{};
  const std::size_t whole = columns.size() / row_lanes * row_lanes;
  array_loops<T>().add_row_squares(values, whole, columns.data(), lanes.data());
  for (std::size_t i = whole; i < columns.size(); ++i) {
    const T square = values[i] * values[i];
    columns[i] += square;
    lanes[0] += square;
  }
  return std::accumulate(lanes.begin(), lanes.end(), 0.0);
}

/// Squares below the format's range are lost: fewer than `count` of its least normal number.
template <class T>
double bound_of(double sum, std::size_t count) {
  return margin * sum + static_cast<double>(count) * static_cast<double>(std::numeric_limits<T>::min());
}

template <class T>
LineSquares squares_of(std::span<const T> values, std::size_t width, unsigned threads) {
  const std::size_t rows = width == 0 ? 0 : values.size() / width;
  const std::size_t blocks = (rows + rows_together - 1) / rows_together;
  LineSquares squares{std::vector<double>(rows), std::vector<double>(width)};
  std::vector<std::vector<T>> columns(blocks);
  compressor::parallel_for({0, blocks, 1}, threads, [&](std::size_t begin, std::size_t end) {
    for (std::size_t block = begin; block < end; ++block) {
      columns[block].resize(width);
      for (std::size_t row = block * rows_together; row < std::min(rows, (block + 1) * rows_together); ++row)
        squares.rows[row] = bound_of<T>(squares_of_row(values.data() + row * width, columns[block]), width);
    }
  });
  for (const std::vector<T>& sums : columns) {
    for (std::size_t i = 0; i < width; ++i) squares.columns[i] += static_cast<double>(sums[i]);
  }
  for (double& sum : squares.columns) sum = bound_of<T>(sum, rows);
  return squares;
}

}  // namespace

LineSquares line_squares(const compressor::Tensor& tensor, std::size_t width, unsigned threads) {
  return std::visit(
      [&](const auto& values) { return squares_of(std::span(values.data(), values.size()), width, threads); },
      tensor.data);
}

}  // namespace ulpscope::judge
