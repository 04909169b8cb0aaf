// SPDX-License-Identifier: Apache-2.0
// Exact matrix products: which road they take, and each element by MPFR.
#include "precision/exact_dot.hpp"

#include <stdexcept>

#include "tests/precision/exact_dot_matrices.hpp"

using namespace ulpscope;
using namespace ulpscope::precision;
using namespace ulpscope::test;

TEST_CASE("Products of narrow formats are exact: one certified window, radius 0") {
  for (const char* format : {"bf16", "fp16", "e4m3fn", "e5m2"}) {
    INFO(format);
    const Matrix a = normal(13, 700, format, 1), b = normal(9, 700, format, 2);
    const Product product = multiply(a, b);
    CHECK(product.roads.certified == 13 * 9);
    check(a, b, product, Claim::exact);
  }
}

TEST_CASE("What lies below a window is multiplied exactly") {
  // Of 13 * 4096 bf16 numbers of a normal distribution a few are smaller than 2^-13.
  const Matrix a = normal(13, 4096, "bf16", 3), b = normal(5, 4096, "bf16", 4);
  const Product product = multiply(a, b);
  CHECK(product.roads.certified == 13 * 5);
  CHECK(product.roads.residuals > 0);
  check(a, b, product, Claim::exact);
}

TEST_CASE("Residuals are multiplied exactly, whatever their bits") {
  Random random(34);
  const Matrix a = Matrix(20, 200).fill([&] { return random.normal(); });
  Matrix b = normal(20, 200, "bf16", 35);
  for (std::size_t n = 0; n < 20; ++n) b.at(n, 10 * n) = random.normal() * 0x1p-40;
  for (const bool turned : {false, true}) {
    const Matrix& left = turned ? b : a;
    const Matrix& right = turned ? a : b;
    const Product product = multiply(left, right);
    CHECK(product.roads.sliced == 20 * 20);  // more than are corrected one by one
    CHECK(product.roads.residuals >= 20);
    check(left, right, product, Claim::enclosed);
    for (const double radius : product.radius) CHECK(!(radius > 0x1p-100));
  }
}

TEST_CASE("fp32 numbers need two windows, and stay exact") {
  const Matrix a = normal(6, 1000, "fp32", 5), b = normal(11, 1000, "fp32", 6);
  const Product product = multiply(a, b);
  CHECK(product.roads.sliced == 6 * 11);
  check(a, b, product, Claim::exact);
  const Matrix narrow = normal(6, 1000, "bf16", 7);
  const Product mixed = multiply(narrow, b);
  CHECK(mixed.roads.sliced == 6 * 11);
  check(narrow, b, mixed, Claim::exact);
}

TEST_CASE("Doubles of 53 bits go to compensated sums, within 2^-70 of the sum of sizes") {
  Random random(8);
  const Matrix a = Matrix(6, 500).fill([&] { return random.normal(); });
  const Matrix b = Matrix(17, 500).fill([&] { return random.normal(); });
  const Product product = multiply(a, b);
  CHECK(product.roads.compensated == 6 * 17);
  check(a, b, product, Claim::enclosed);
  check_radii(a, b, product);
  for (const std::size_t rows : {1, 2, 3, 5}) {
    Matrix few(rows, 500);
    std::copy_n(a.high.begin(), few.high.size(), few.high.begin());
    check(few, b, multiply(few, b), Claim::enclosed);
  }
}

TEST_CASE("A refused certificate goes another road") {
  // Rows of equal sizes have the largest norms: windows of 2^29 units by 2^29 are not certified.
  Matrix a(4, 1024), b(8, 1024);
  Random random(9);
  const auto odd = [&] { return std::ldexp(static_cast<double>(random.bits() >> 41 | 1), -23); };
  a.fill(odd);
  b.fill(odd);
  DotSettings settings;
  settings.norm_bits = 29;
  const Product refused = multiply(a, b, settings);
  CHECK(refused.roads.compensated == 4 * 8);
  check(a, b, refused, Claim::enclosed);
  const Product sliced = multiply(a, b);
  CHECK(sliced.roads.sliced == 4 * 8);
  check(a, b, sliced, Claim::exact);
}

TEST_CASE("Numbers with exponents anywhere are enclosed") {
  for (const int spread : {30, 100, 300, 480, 1040}) {
    INFO(spread);
    Random random(static_cast<std::uint64_t>(spread));
    Matrix a = Matrix(5, 64).fill([&] { return scattered(random, spread); });
    Matrix b = Matrix(7, 64).fill([&] { return scattered(random, spread); });
    for (Matrix* matrix : {&a, &b}) {
      for (double& x : matrix->high) x = std::isfinite(x) ? x : 0x1p1000;
    }
    check(a, b, multiply(a, b), Claim::enclosed);
  }
}

TEST_CASE("Cancelling sums are exact, and a zero is +0") {
  Matrix a = normal(4, 512, "bf16", 12), b = normal(4, 512, "bf16", 13);
  for (std::size_t r = 0; r < 4; ++r) {
    for (std::size_t k = 256; k < 512; ++k) {
      a.at(r, k) = a.at(r, k - 256);
      b.at(r, k) = -b.at(r, k - 256);
    }
  }
  a.at(0, 511) += 0x1p-20;
  const Product product = multiply(a, b);
  check(a, b, product, Claim::exact);
  for (std::size_t m = 1; m < 4; ++m) CHECK((product.at(m, 0).high == 0 && !std::signbit(product.at(m, 0).high)));
}

TEST_CASE("Few sums that leave high + low on their way are exact in the end") {
  // 2^100 - 2^100 around terms of 1 and 2^-100: no two doubles hold all partial sums, but they hold the sum.
  Matrix a = normal(8, 64, "bf16", 14), b(8, 64);
  for (std::size_t k = 0; k < 64; ++k) {
    for (std::size_t n = 0; n < 8; ++n) b.at(n, k) = 1;
    a.at(3, k) = 0;
  }
  a.at(3, 0) = 0x1p100;
  a.at(3, 1) = 1;
  a.at(3, 2) = 0x1p-100;
  a.at(3, 3) = -0x1p100;
  a.at(3, 4) = 0x1p60;
  a.at(3, 5) = 0x1p-160;
  a.at(3, 6) = -0x1p-160;
  a.at(3, 7) = -0x1p60;
  for (std::size_t n = 4; n < 8; ++n) b.at(n, 5) = 2;  // then 2^-160 stays
  const Product product = multiply(a, b);
  CHECK(product.at(3, 0).high == 1);
  CHECK(product.at(3, 0).low == 0x1p-100);
  CHECK(product.at(3, 0).radius == 0);
  CHECK(product.at(3, 4).radius == 0x1p-160);
  check(a, b, product, Claim::enclosed);
}

TEST_CASE("Empty products, and products that are refused") {
  const Matrix none(3, 0), two(2, 5), other(2, 6), nobody(0, 5);
  const Product empty = multiply(none, none);
  CHECK(empty.high == std::vector<double>(9, 0.0));
  CHECK(empty.radius == std::vector<double>(9, 0.0));
  CHECK(multiply(nobody, two).roads == DotRoads{});
  CHECK_THROWS_AS(multiply(two, other), std::invalid_argument);
  Matrix enclosed = two;
  enclose(enclosed, 1);
  CHECK_THROWS_AS(multiply(enclosed, enclosed), std::invalid_argument);
  DotOperand operand;
  DotMatrix half = two.view();
  half.low = half.high;
  CHECK_THROWS_AS(operand.assign(half), std::invalid_argument);
  DotSettings settings;
  settings.norm_bits = nan_value;
  CHECK_THROWS_AS(operand.assign(two.view(), settings), std::invalid_argument);
}
