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
