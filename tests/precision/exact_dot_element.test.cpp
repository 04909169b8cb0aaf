// SPDX-License-Identifier: Apache-2.0
// Elements of exact products that fast roads leave: far exponents, overflow, NaN and infinities.
#include "precision/exact_dot_element.hpp"

#include "tests/precision/exact_dot_matrices.hpp"

using namespace ulpscope;
using namespace ulpscope::precision;
using namespace ulpscope::test;

TEST_CASE("Rows far from 1 are exact element by element") {
  Matrix a = normal(6, 100, "bf16", 10), b = normal(3, 100, "bf16", 11);
  for (std::size_t k = 0; k < 100; ++k) {
    a.at(0, k) *= 0x1p-1060;  // subnormal numbers
    a.at(1, k) *= 0x1p900;
    a.at(2, k) = k == 50 ? 0x1p-1074 : 0;
    a.at(3, k) = 0;
    a.at(4, k) *= 0x1p-133;
    b.at(1, k) *= 0x1p-900;
  }
  const Product product = multiply(a, b);
  CHECK(product.roads.scalar == 3 * 3 + 3);
  CHECK(product.roads.certified == 2 * 3);
  for (std::size_t m = 0; m < 6; ++m) {
    for (std::size_t n = 0; n < 3; ++n) {
      INFO(m << ", " << n);
      ExactSum sum;
      add_terms(sum, {a, m, b, n}, 1);
      const Enclosure value = product.at(m, n);
      CHECK(sum.within(value.high, value.low, value.radius));
      if (sum.fits_two()) CHECK(value.radius == 0);
      CHECK(!(value.radius > 0x1p-1074));
    }
  }
}

TEST_CASE("Sums beyond the largest double have an infinite radius") {
  Matrix a(1, 3), b(2, 3);
  a.fill([] { return 0x1p1000; });
  b.high = {0x1p100, 0x1p100, 1, 0x1p100, -0x1p100, 1};
  const Product product = multiply(a, b);
  CHECK(product.at(0, 0).high == std::numeric_limits<double>::max());
  CHECK(product.at(0, 0).radius == inf);
  CHECK(product.at(0, 1).high == 0x1p1000);
  CHECK(product.at(0, 1).radius == 0);
}

TEST_CASE("NaN and infinities have the class of their sum in any order") {
  Matrix a = normal(7, 40, "bf16", 15), b = normal(6, 40, "bf16", 16);
  for (std::size_t k = 0; k < 40; ++k) b.at(0, k) = std::fabs(b.at(0, k)) + 1;
  a.at(0, 3) = nan_value;
  a.at(1, 3) = inf;
  a.at(2, 3) = inf;
  a.at(2, 9) = -inf;
  a.at(3, 20) = -inf;
  b.at(1, 3) = 0;
  b.at(2, 5) = nan_value;
  b.at(3, 5) = inf;
  a.at(4, 5) = 0;
  a.at(5, 5) = 2;
  a.at(6, 5) = -1;
  const Product product = multiply(a, b);
  for (std::size_t m = 0; m < 7; ++m) {
    for (std::size_t n = 0; n < 6; ++n) {
      INFO(m << ", " << n);
      bool special = false;
      double sum = 0;  // IEEE's own sum: its class where some term is not finite
      for (std::size_t k = 0; k < 40; ++k) {
        const double term = a.at(m, k) * b.at(n, k);
        special |= !std::isfinite(term);
        sum += term;
      }
      const Enclosure value = product.at(m, n);
      CHECK(std::isfinite(value.high) != special);
      if (!special) continue;
      CHECK((std::isnan(sum) ? std::isnan(value.high) : value.high == sum));
      CHECK(value.low == 0);
      CHECK(value.radius == 0);
    }
  }
  CHECK(product.roads.nonfinite == 4 * 6 + 2 * 3);
  CHECK(product.roads.certified == 4 * 3);
}

TEST_CASE("Enclosures without a certain sign or size make classes unknown") {
  Matrix a(4, 2), b(1, 2);
  a.high = {inf, 1, 0, 1, inf, nan_value, 1, 1};
  b.high = {0x1p-10, 1};
  b.low = {0, 0};
  b.radius = {1, 0};
  const Product unknown = multiply(a, b);
  CHECK(std::isnan(unknown.at(0, 0).high));
  CHECK(unknown.at(0, 0).radius == inf);
  CHECK(!(unknown.at(1, 0).radius > 0x1p-1060));  // what products may lose to underflow
  CHECK(std::isnan(unknown.at(2, 0).high));
  CHECK(unknown.at(2, 0).radius == 0);
  CHECK(unknown.at(3, 0).radius >= 1);
  CHECK(!(unknown.at(3, 0).radius > 1 + 0x1p-27));
  b.radius = {inf, 0};
  const Product infinite = multiply(a, b);
  CHECK(infinite.at(1, 0).radius == 0);
  CHECK(infinite.at(3, 0).radius == inf);
  CHECK(std::isfinite(infinite.at(3, 0).high));
  b.radius = {0x1p-11, 0};
  CHECK(multiply(a, b).at(0, 0).high == inf);
}
