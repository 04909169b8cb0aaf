// SPDX-License-Identifier: Apache-2.0
// Enclosed operands, initial sums, steps, ranges and SIMD levels of exact products.
#include "precision/exact_dot_block.hpp"

#include <initializer_list>

#include "tests/precision/exact_dot_matrices.hpp"

using namespace ulpscope;
using namespace ulpscope::precision;
using namespace ulpscope::test;

TEST_CASE("Enclosed operands on either side are enclosed tightly") {
  const Matrix exact = normal(12, 800, "bf16", 17);
  Random random(18);
  Matrix enclosed = Matrix(9, 800).fill([&] { return random.normal(); });
  for (std::size_t k = 0; k < 800; ++k) enclosed.at(2, k) = 0;
  enclose(enclosed, 19);
  const Product right = multiply(exact, enclosed), left = multiply(enclosed, exact);
  CHECK(right.roads.sliced == 12 * 9);
  CHECK(left.roads.sliced == 12 * 9);
  check(exact, enclosed, right, Claim::enclosed);
  check(enclosed, exact, left, Claim::enclosed);
  check_radii(exact, enclosed, right);
  check_radii(enclosed, exact, left);
  for (std::size_t m = 0; m < 12; ++m) CHECK(right.at(m, 2).radius == 0);
}

TEST_CASE("Enclosed operands meet residuals, refused and wild rows") {
  Random random(20);
  Matrix sparse = normal(5, 600, "bf16", 21);
  for (std::size_t r = 0; r < 5; ++r) sparse.at(r, 7 * r) = 0x1.01p-60;
  const Matrix dense = Matrix(5, 600).fill([&] { return scattered(random, 12); });
  Matrix enclosed = Matrix(6, 600).fill([&] { return random.normal(); });
  for (std::size_t k = 0; k < 600; ++k) enclosed.at(1, k) *= 0x1p-600;
  enclose(enclosed, 22);
  for (const Matrix* exact : std::initializer_list<const Matrix*>{&sparse, &dense}) {
    const Product right = multiply(*exact, enclosed), left = multiply(enclosed, *exact);
    CHECK(right.roads.scalar == 5);
    CHECK(left.roads.scalar == 5);
    CHECK(left.roads.compensated == (exact == &dense ? 25 : 0));
    check(*exact, enclosed, right, Claim::enclosed);
    check(enclosed, *exact, left, Claim::enclosed);
    check_radii(*exact, enclosed, right);
    check_radii(enclosed, *exact, left);
  }
}

TEST_CASE("Radii of enclosed operands are carried whole") {
  Matrix exact = normal(5, 300, "bf16", 31);
  exact.at(1, 3) = 0x1.01p-50;  // a residual
  Matrix enclosed = normal(4, 300, "fp32", 32);
  enclose(enclosed, 33, 0x1p-40);
  for (std::size_t k = 0; k < 300; ++k) {
    enclosed.low[2 * 300 + k] = 0;
    if (k != 3) enclosed.radius[2 * 300 + k] = 0;  // of element (1, 2) nothing else hides the residual's share
  }
  const Product right = multiply(exact, enclosed), left = multiply(enclosed, exact);
  check(exact, enclosed, right, Claim::enclosed);
  check(enclosed, exact, left, Claim::enclosed);
  for (std::size_t m = 0; m < 5; ++m) {
    for (std::size_t n = 0; n < 4; ++n) {
      const double sizes = majorant(exact, m, enclosed, n) * 0x1p-40;
      CHECK(!(right.at(m, n).radius > sizes * (1 + 0x1p-20)));
      CHECK(!(left.at(n, m).radius > sizes * (1 + 0x1p-20)));
    }
  }
}

TEST_CASE("Sums go on from initial ones") {
  const Matrix a = normal(5, 90, "bf16", 23), b = normal(6, 90, "bf16", 24);
  DotOperand x, y;
  x.assign(a.view());
  y.assign(b.view());
  Product product(5, 6);
  Random random(25);
  for (std::size_t i = 0; i < 30; ++i) {
    product.high[i] = random.normal();
    product.low[i] = 0x1p-60;
    product.radius[i] = i % 2 == 0 ? 0 : 0x1p-90;
  }
  product.high[3] = inf;
  product.high[4] = 0x1p1010;
  product.low[4] = 1;
  product.radius[5] = inf;
  const Product start = product;
  DotResult result = product.result();
  result.continued = true;
  product.roads = exact_dot(x, y, result);
  CHECK(product.roads.nonfinite == 1);
  CHECK(product.high[3] == inf);
  CHECK(product.radius[5] == inf);
  for (std::size_t i = 0; i < 30; ++i) {
    if (i == 3 || i == 5) continue;
    INFO(i);
    for (const double side : {-1.0, 1.0}) {
      ExactSum sum;
      add_terms(sum, {a, i / 6, b, i % 6}, 1);
      for (const double part : {start.high[i], start.low[i], side * start.radius[i]}) sum.add(part);
      CHECK(sum.within(product.high[i], product.low[i], product.radius[i]));
    }
    if (start.radius[i] == 0 && i != 4) CHECK(product.radius[i] == 0);
  }
}

TEST_CASE("Steps read transposed matrices and arrays of structures") {
  const Matrix a = normal(40, 33, "bf16", 26), b = normal(4, 33, "bf16", 27);
  std::vector<double> turned(33 * 40), structures(3 * 33 * 4), out(3 * 160);
  for (std::size_t k = 0; k < 33; ++k) {
    for (std::size_t r = 0; r < 40; ++r) turned[k * 40 + r] = a.high[r * 33 + k];
    for (std::size_t r = 0; r < 4; ++r) structures[3 * (k * 4 + r)] = b.high[r * 33 + k];
  }
  DotOperand x, y;
  x.assign({turned.data(), nullptr, nullptr, 40, 33, 1, 40});
  y.assign({structures.data(), &structures[1], &structures[2], 4, 33, 3, 12});
  exact_dot(x, y, {out.data(), &out[1], &out[2], 12, 3, false});
  Product product(40, 4);
  for (std::size_t i = 0; i < 160; ++i) {
    product.high[i] = out[3 * i];
    product.low[i] = out[3 * i + 1];
    product.radius[i] = out[3 * i + 2];
  }
  check(a, b, product, Claim::exact);
}

TEST_CASE("Ranges, threads and SIMD levels give the same bits", "[threads]") {
  Random random(28);
  Matrix a = normal(600, 300, "bf16", 29);
  a.at(5, 5) = 0x1p-90;
  a.at(300, 1) = nan_value;
  Matrix b = Matrix(40, 300).fill([&] { return random.normal(); });
  enclose(b, 30);
  const Matrix c = Matrix(40, 300).fill([&] { return random.normal(); });
  for (const Matrix* right : std::initializer_list<const Matrix*>{&b, &c}) {
    const Product one = multiply(a, *right);
    DotSettings settings;
    for (const unsigned threads : {2U, 3U}) {
      settings.ranges = on_threads(threads);
      settings.level = threads == 2 ? SimdLevel::v2 : std::min(SimdLevel::v3, best_simd_level());
      const Product several = multiply(a, *right, settings);
      CHECK(several.roads == one.roads);
      for (std::size_t i = 0; i < one.high.size(); ++i) {
        REQUIRE((several.high[i] == one.high[i] || (std::isnan(several.high[i]) && std::isnan(one.high[i]))));
        REQUIRE(several.low[i] == one.low[i]);
        REQUIRE(several.radius[i] == one.radius[i]);
      }
    }
  }
}
