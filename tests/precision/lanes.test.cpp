// SPDX-License-Identifier: Apache-2.0
// Packs, and the functions that read the same for scalars and packs.
#include "precision/lanes.hpp"

#include <cmath>
#include <limits>

#include "precision/native.hpp"
#include "tests/precision/oracle.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::precision;
using ulpscope::test::same;
using ulpscope::test::stratified_floats;

TEST_CASE("Types follow from the pack") {
  using V = Pack<float, 8>;
  static_assert(lanes_v<V> == 8 && lanes_v<double> == 1);
  static_assert(std::is_same_v<scalar_t<V>, float>);
  static_assert(std::is_same_v<rebind_t<V, double>, Pack<double, 8>>);
  static_assert(std::is_same_v<half_t<V, double>, Pack<double, 4>>);
  static_assert(std::is_same_v<half_t<Pack<float, 2>>, float>);
  static_assert(std::is_same_v<mask_t<float>, bool>);
  CHECK(lane(splat<V>(2.5f), 7) == 2.5f);
}

TEST_CASE("Splat keeps the sign of zero") {
  CHECK(std::signbit(lane(splat<Pack<float, 4>>(-0.0f), 2)));
  CHECK(std::signbit(lane(splat<Pack<double, 2>>(-0.0), 1)));
}

TEST_CASE("Halves and joins keep every lane in place") {
  const float values[8] = {0, 1, 2, 3, 4, 5, 6, 7};
  const auto v = load<Pack<float, 8>>(values);
  const auto joined = join<Pack<float, 8>>(half<0>(v), half<1>(v));
  for (int i = 0; i < 8; ++i) CHECK(lane(joined, i) == static_cast<float>(i));
  CHECK(lane(half<1>(v), 0) == 4.0f);
  CHECK(half<1>(Pack<double, 2>{1, 2}) == 2.0);
}

TEST_CASE("Maximum propagates NaN from either side") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(max_nan(nan, 1.0f)));
  CHECK(std::isnan(max_nan(1.0f, nan)));
  CHECK(max_nan(-1.0f, 2.0f) == 2.0f);
  const auto m = max_nan(Pack<float, 4>{nan, 1, 3, -2}, Pack<float, 4>{1, nan, 2, -1});
  CHECK(std::isnan(lane(m, 0)));
  CHECK(std::isnan(lane(m, 1)));
  CHECK(lane(m, 2) == 3);
  CHECK(lane(m, 3) == -1);
}

TEST_CASE("fma is rounded once on scalars and packs, and so is its emulation through double") {
  const auto x = stratified_floats(30000, 71);
  int wrong = 0;
  for (std::size_t i = 0; i + 6 <= x.size(); i += 2) {
    const float expected = std::fma(x[i], x[i + 1], x[i + 2]);
    wrong += same(fma(x[i], x[i + 1], x[i + 2]), expected) ? 0 : 1;
    wrong += same(detail::fma_through_double(x[i], x[i + 1], x[i + 2]), expected) ? 0 : 1;
    const auto packed =
        fma(load<Pack<float, 4>>(&x[i]), load<Pack<float, 4>>(&x[i + 1]), load<Pack<float, 4>>(&x[i + 2]));
    wrong += same(lane(packed, 0), expected) ? 0 : 1;
  }
  CHECK(wrong == 0);
  CHECK(fma(1.0 + 0x1p-30, 1.0 - 0x1p-30, -1.0) == -0x1p-60);
}

TEST_CASE("sqrt of packs is sqrt of scalars, for packs wider than a register too") {
  const auto x = stratified_floats(1024, 73);
  for (std::size_t i = 0; i + 32 <= x.size(); i += 32) {
    const auto roots = sqrt(load<Pack<float, 32>>(&x[i]));
    for (int k = 0; k < 32; ++k) CHECK(same(lane(roots, k), std::sqrt(x[i + static_cast<std::size_t>(k)])));
  }
}

TEST_CASE("any finds a single set lane anywhere") {
  for (int i = 0; i < 16; ++i) {
    Pack<float, 16> v{};
    CHECK(!any(v != v));
    set_lane(v, i, std::numeric_limits<float>::quiet_NaN());
    CHECK(any(v != v));
  }
  CHECK(any(true));
  CHECK(!any(false));
}

TEST_CASE("Native arithmetic is the hardware's") {
  const Native<float> m;
  CHECK(m.add(0.1f, 0.2f) == 0.1f + 0.2f);
  CHECK(m.div(1.0f, 3.0f) == 1.0f / 3.0f);
  CHECK(m.from(0.1) == 0.1f);
  CHECK(m.round(0.3f) == 0.3f);
  CHECK(std::signbit(m.neg(0.0f)));
  CHECK(Native<double>().exp(1.0) == std::exp(1.0));
}
