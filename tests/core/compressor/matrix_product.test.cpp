// SPDX-License-Identifier: Apache-2.0
// Matrix products in which every operation is rounded: the cheap arithmetics chosen by a look at the factors have the
// bits of the plain emulation, whatever the factors hold.
#include "core/compressor/matrix_product.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "core/compressor/kernels/kernel_sets.hpp"
#include "precision/rounding.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"
#include "tests/support/rounded_dot.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;

namespace {

constexpr std::size_t rows = 7;
constexpr std::size_t depth = 37;
constexpr std::size_t columns = 41;  // whole panels and the beginning of one

/// Values of a format, 2^exponent in size; every 11th replaced by `odd`.
std::vector<float> factor(const precision::Format& format, std::size_t count, int exponent, float odd) {
  std::vector<float> values = test::normal_values<float>(count, 17 + count);
  for (std::size_t i = 0; i < count; ++i) {
    const double scaled = i % 11 == 10 ? double{odd} : std::ldexp(double{values[i]}, exponent);
    values[i] = static_cast<float>(precision::round(scaled, format));
  }
  return values;
}

std::vector<float> product(const std::string& level, const SlotArithmetic& arithmetic, const std::vector<float>& a,
                           const std::vector<float>& b) {
  std::vector<float> out(rows * columns);
  MatrixProduct<float> product;
  product.arithmetic = &arithmetic;
  product.a = a.data();
  product.a_row = depth;
  product.b = {b.data(), columns, Transpose::no};
  product.rows = rows;
  product.depth = depth;
  product.columns = columns;
  product.out = out.data();
  Multiplier<float>(kernels::kernel_set<float>(Kind::emulated_float, level), 1)(product);
  return out;
}

/// Each element by the readable rounding; NaN agree whatever their bits.
std::vector<float> by_definition(const precision::Format& format, const std::vector<float>& a,
                                 const std::vector<float>& b) {
  std::vector<float> out;
  for (std::size_t i = 0; i < rows * columns; ++i) {
    out.push_back(static_cast<float>(test::rounded_dot(
        format, depth, [&](std::size_t k) { return a[i / columns * depth + k]; },
        [&](std::size_t k) { return b[k * columns + i % columns]; })));
  }
  return out;
}

bool same(float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b)); }

}  // namespace

TEST_CASE("products rounded at every step are those of the definition at every level, for any size of the factors") {
  const float endless = std::numeric_limits<float>::infinity();
  for (const std::string name : {"bf16", "fp16", "e4m3fn", "e5m2", "e8m5"}) {
    SlotArithmetic arithmetic;
    const precision::Format format = precision::parse_format(name);
    arithmetic.compute = arithmetic.accumulate = arithmetic.storage = arithmetic.branches = format;
    for (const int exponent :
         {0, -4, -60, -64, -70, 60, 64}) {  // products in the middle, below and above binary32's range
      for (const float odd : {0.0F, -0.0F, 1.0F, endless, std::nanf("")}) {
        const std::vector<float> a = factor(format, rows * depth, exponent, odd);
        const std::vector<float> b = factor(format, depth * columns, exponent, 1);
        const std::vector<float> expected = by_definition(format, a, b);
        for (const std::string& level : kernels::simd_levels()) {
          const std::vector<float> found = product(level, arithmetic, a, b);
          int wrong = 0;
          for (std::size_t i = 0; i < found.size(); ++i) wrong += same(found[i], expected[i]) ? 0 : 1;
          INFO(name << ", 2^" << exponent << ", " << odd << ", level " << level);
          CHECK(wrong == 0);
        }
      }
    }
  }
}

namespace {

/// A product by BLAS that needs several blocks down, across and, over tokens, deep. Small whole numbers: every order of
/// its sums is exact.
struct BlockedProduct {
  static constexpr std::size_t rows = blas_rows + 76;
  static constexpr std::size_t columns = blas_columns + 26;
  std::size_t depth = 0;
  Transpose a_transposed = Transpose::no;
  Transpose b_transposed = Transpose::no;
  std::vector<float> a, b, out;

  BlockedProduct(std::size_t terms, Transpose of_a, Transpose of_b)
      : depth(terms), a_transposed(of_a), b_transposed(of_b), out(rows * columns, 1) {
    for (std::size_t i = 0; i < rows * depth; ++i) a.push_back(static_cast<float>(i * i % 7) - 3);
    for (std::size_t i = 0; i < columns * depth; ++i) b.push_back(static_cast<float>(i * i % 11) - 5);
  }
  MatrixProduct<float> product(const SlotArithmetic& arithmetic) {
    const bool over_tokens = a_transposed == Transpose::yes;
    MatrixProduct<float> product;
    product.arithmetic = &arithmetic;
    product.a = a.data();
    product.a_row = over_tokens ? 1 : depth;
    product.a_depth = over_tokens ? rows : 1;
    product.a_transposed = a_transposed;
    product.b = {b.data(), b_transposed == Transpose::yes ? depth : columns, b_transposed};
    product.rows = rows;
    product.depth = depth;
    product.columns = columns;
    product.out = out.data();
    product.continued = over_tokens;
    return product;
  }
  /// Of some elements, what is not the sum of their terms (and the 1 that a continued sum begins with).
  int wrong() const {
    const bool over_tokens = a_transposed == Transpose::yes;
    int count = 0;
    for (std::size_t at = 0; at < out.size(); at += 97) {
      const std::size_t i = at / columns, j = at % columns;
      float sum = over_tokens ? 1 : 0;
      for (std::size_t k = 0; k < depth; ++k)
        sum += a[over_tokens ? k * rows + i : i * depth + k] *
               b[b_transposed == Transpose::yes ? j * depth + k : k * columns + j];
      count += out[at] == sum ? 0 : 1;
    }
    return count;
  }
};

}  // namespace

TEST_CASE("products by BLAS, together and over several blocks, are their sums on any number of threads", "[threads]") {
  use_one_blas_thread();
  SlotArithmetic arithmetic;
  arithmetic.summation = precision::parse_summation("blas");
  for (const unsigned threads : {1U, 2U, 3U}) {
    BlockedProduct forward(7, Transpose::no, Transpose::yes);
    BlockedProduct backward(5, Transpose::no, Transpose::no);
    BlockedProduct weights(blas_tokens + 3, Transpose::yes, Transpose::no);
    Workspace<float> panels;
    const Multiplier<float> multiply(kernels::kernel_set<float>(Kind::native_float, ""), threads);
    multiply({{forward.product(arithmetic), &panels},
              {backward.product(arithmetic), &panels},
              {weights.product(arithmetic), &panels}});
    INFO(threads << " threads");
    CHECK(forward.wrong() == 0);
    CHECK(backward.wrong() == 0);
    CHECK(weights.wrong() == 0);
  }
}
