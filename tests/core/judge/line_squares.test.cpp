// SPDX-License-Identifier: Apache-2.0
// Sums of squares by rows and columns: never below the exact ones, hardly above them.
#include "core/judge/line_squares.hpp"

#include <cmath>
#include <limits>

#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

using namespace ulpscope;

namespace {

template <class T>
void check(std::size_t rows, std::size_t width, double scale) {
  std::vector<T> values = test::normal_values<T>(rows * width, rows + width);
  for (T& value : values) value = static_cast<T>(static_cast<double>(value) * scale);
  std::vector<long double> by_row(rows);
  std::vector<long double> by_column(width);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const long double square = static_cast<long double>(values[i]) * values[i];
    by_row[i / width] += square;
    by_column[i % width] += square;
  }
  const compressor::Tensor tensor{{rows, width}, io::Buffer<T>(std::move(values)), io::DType::f64};
  const judge::LineSquares squares = judge::line_squares(tensor, width, 3);
  REQUIRE(squares.rows.size() == rows);
  REQUIRE(squares.columns.size() == width);
  const auto holds = [](double bound, long double exact, std::size_t count) {
    const double lost = static_cast<double>(count) * static_cast<double>(std::numeric_limits<T>::min());
    return bound >= exact && bound <= 1.02L * exact + 2 * lost;
  };
  for (std::size_t i = 0; i < rows; ++i) CHECK(holds(squares.rows[i], by_row[i], width));
  for (std::size_t i = 0; i < width; ++i) CHECK(holds(squares.columns[i], by_column[i], rows));
}

}  // namespace

TEST_CASE("bounds of rows and columns, for odd sizes, long lines and squares that underflow") {
  for (const double scale : {1.0, 1e15, 1e-17, 1e-21, 1e-30}) {
    INFO(scale);
    check<float>(3, 5, scale);
    check<float>(700, 130, scale);
    check<float>(2, 20000, scale);
    check<float>(20000, 2, scale);
    check<double>(300, 65, scale);
  }
}

TEST_CASE("what is not finite is in its row's sum and its column's, and in no other") {
  for (const float odd : {std::nanf(""), std::numeric_limits<float>::infinity(), 1e30F}) {
    std::vector<float> values(600 * 70, 1);
    values[301 * 70 + 9] = odd;
    const compressor::Tensor tensor{{600, 70}, io::Buffer<float>(std::move(values)), io::DType::f32};
    const judge::LineSquares squares = judge::line_squares(tensor, 70, 1);
    for (std::size_t i = 0; i < 600; ++i) CHECK((squares.rows[i] < HUGE_VAL) == (i != 301));
    for (std::size_t i = 0; i < 70; ++i) CHECK((squares.columns[i] < HUGE_VAL) == (i != 9));
  }
}
