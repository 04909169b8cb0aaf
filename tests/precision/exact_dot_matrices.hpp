// SPDX-License-Identifier: Apache-2.0
// Matrices for the tests of exact_dot, their products, and the check of each element against MPFR without a rounding.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "precision/exact_accumulator.hpp"
#include "precision/exact_dot.hpp"
#include "precision/formats.hpp"
#include "precision/rounding.hpp"
#include "tests/precision/exact_sum.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

namespace ulpscope::test {

using namespace precision;

inline constexpr double inf = std::numeric_limits<double>::infinity();
inline const double nan_value = std::numeric_limits<double>::quiet_NaN();

/// Rows of numbers, exact unless `low` and `radius` are filled.
struct Matrix {
  Matrix(std::size_t row_count, std::size_t row_depth)
      : rows(row_count), depth(row_depth), high(row_count * row_depth) {}
  double& at(std::size_t r, std::size_t k) { return high[r * depth + k]; }
  DotMatrix view() const {
    const bool exact = low.empty();
    return {high.data(), exact ? nullptr : low.data(), exact ? nullptr : radius.data(), rows, depth, depth, 1};
  }
  template <class F>
  Matrix& fill(F value) {
    for (double& x : high) x = value();
    return *this;
  }
  std::size_t rows, depth;
  std::vector<double> high, low, radius;
};

inline Matrix normal(std::size_t rows, std::size_t depth, const char* format, std::uint64_t seed) {
  Random random(seed);
  const Format f = parse_format(format);
  return Matrix(rows, depth).fill([&] { return round(random.normal(), f); });
}

/// A number whose exponent is anywhere within +- `spread`.
inline double scattered(Random& random, int spread) {
  const auto exponent = static_cast<int>(random.index(2 * static_cast<std::size_t>(spread) + 1)) - spread;
  return std::ldexp(random.normal(), exponent);
}

/// Gives numbers low parts of at most half an ulp, and radii of a fraction of them.
inline Matrix& enclose(Matrix& matrix, std::uint64_t seed, double fraction = 0x1p-100) {
  Random random(seed);
  for (const double x : matrix.high) {
    matrix.low.push_back(x * random.uniform(-1, 1) * 0x1p-54);
    matrix.radius.push_back(std::fabs(x) * fraction);
  }
  return matrix;
}

struct Product {
  Product(std::size_t row_count, std::size_t column_count)
      : rows(row_count), columns(column_count), high(row_count * column_count), low(high), radius(high) {}
  DotResult result() { return {high.data(), low.data(), radius.data(), columns, 1, false}; }
  Enclosure at(std::size_t m, std::size_t n) const {
    return {high[m * columns + n], low[m * columns + n], radius[m * columns + n]};
  }
  std::size_t rows, columns;
  std::vector<double> high, low, radius;
  DotRoads roads;
};

inline Product multiply(const Matrix& a, const Matrix& b, const DotSettings& settings = {}) {
  DotOperand x, y;
  x.assign(a.view(), settings);
  y.assign(b.view(), settings);
  Product product(a.rows, b.rows);
  product.roads = exact_dot(x, y, product.result(), settings);
  return product;
}

/// Row m of a by row n of b.
struct Element {
  const Matrix& a;
  std::size_t m;
  const Matrix& b;
  std::size_t n;
};

/// Adds an element's sum, every enclosed number being where it makes the sum largest (side 1) or smallest (side -1).
inline void add_terms(ExactSum& sum, const Element& element, double side) {
  const std::size_t depth = element.a.depth;
  for (std::size_t k = 0; k < depth; ++k) {
    const std::size_t at = element.m * depth + k, other = element.n * depth + k;
    const double x = element.a.high[at], y = element.b.high[other];
    sum.add_product(x, y);
    if (!element.a.low.empty()) sum.add_product(element.a.low[at], y);
    if (!element.a.low.empty()) sum.add_product(side * element.a.radius[at], std::fabs(y));
    if (!element.b.low.empty()) sum.add_product(x, element.b.low[other]);
    if (!element.b.low.empty()) sum.add_product(std::fabs(x), side * element.b.radius[other]);
  }
}

enum class Claim { enclosed, exact };

/// Every element holds its sums; where radius 0 is claimed it is 0, and the parts are normalised.
inline void check(const Matrix& a, const Matrix& b, const Product& product, Claim claim) {
  for (std::size_t m = 0; m < a.rows; ++m) {
    for (std::size_t n = 0; n < b.rows; ++n) {
      INFO("element " << m << ", " << n);
      const Enclosure value = product.at(m, n);
      for (const double side : {-1.0, 1.0}) {
        ExactSum sum;
        add_terms(sum, {a, m, b, n}, side);
        REQUIRE(sum.within(value.high, value.low, value.radius));
      }
      REQUIRE(value.high + value.low == value.high);
      if (claim == Claim::exact) REQUIRE(value.radius == 0);
    }
  }
}

/// |a| |b|: what radii are compared with.
inline double majorant(const Matrix& a, std::size_t m, const Matrix& b, std::size_t n) {
  double sum = 0;
  for (std::size_t k = 0; k < a.depth; ++k) sum += std::fabs(a.high[m * a.depth + k] * b.high[n * b.depth + k]);
  return sum;
}
inline void check_radii(const Matrix& a, const Matrix& b, const Product& product) {
  for (std::size_t m = 0; m < a.rows; ++m) {
    for (std::size_t n = 0; n < b.rows; ++n) REQUIRE(!(product.at(m, n).radius > 0x1p-70 * majorant(a, m, b, n)));
  }
}

inline Ranges on_threads(unsigned threads) {
  return [threads](std::size_t items, std::size_t grain, const std::function<void(std::size_t, std::size_t)>& work) {
    std::vector<std::jthread> team;
    const std::size_t grains = (items + grain - 1) / grain;
    for (std::size_t t = 0; t < threads; ++t) {
      const std::size_t begin = std::min(items, grains * t / threads * grain);
      const std::size_t end = std::min(items, grains * (t + 1) / threads * grain);
      if (begin < end) team.emplace_back([&work, begin, end] { work(begin, end); });
    }
  };
}

}  // namespace ulpscope::test
