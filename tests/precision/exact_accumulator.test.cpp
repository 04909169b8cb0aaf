// SPDX-License-Identifier: Apache-2.0
// The fixed-point accumulator, by hand and against MPFR with as many bits as its sums can have.
#include "precision/exact_accumulator.hpp"

#include <cmath>
#include <limits>

#include "tests/precision/exact_sum.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

using namespace ulpscope;
using namespace ulpscope::precision;

TEST_CASE("An exact accumulator gives back what two doubles hold") {
  ExactAccumulator sum;
  sum.add(0x1p1000);
  sum.add_product(0x1p-1074, 0x1p0);
  const Enclosure value = sum.total();
  CHECK(value.high == 0x1p1000);
  CHECK(value.low == 0x1p-1074);
  CHECK(value.radius == 0);
}

TEST_CASE("An exact accumulator cancels across all exponents") {
  ExactAccumulator sum;
  sum.add_product(0x1.8p1000, 0x1p23);
  sum.add_product(-0x1p-1000, 0x1.4p-40);
  sum.add_product(-0x1.8p23, 0x1p1000);
  const Enclosure value = sum.total();
  CHECK(value.high == -0x1.4p-1040);
  CHECK(value.low == 0);
  CHECK(value.radius == 0);
}

TEST_CASE("What an exact accumulator holds beyond two doubles is its radius") {
  ExactAccumulator sum;
  for (const double x : {1.0, 0x1p-60, 0x1p-200}) sum.add(x);
  Enclosure value = sum.total();
  CHECK(value.high == 1);
  CHECK(value.low == 0x1p-60);
  CHECK(value.radius == 0x1p-200);
  sum.add_product(0x1p-1074, 0x1p-1074);  // below every double
  value = sum.total();
  CHECK(value.radius == std::nextafter(0x1p-200, 1));
}

TEST_CASE("An exact accumulator rounds ties to even and overflows to an infinite radius") {
  ExactAccumulator tie;
  tie.add(1);
  tie.add(0x1p-53);
  CHECK(tie.total().high == 1);
  CHECK(tie.total().low == 0x1p-53);
  tie.add(0x1p-52);
  CHECK(tie.total().high == 1 + 0x1p-51);
  CHECK(tie.total().low == -0x1p-53);
  ExactAccumulator large;
  large.add_product(-0x1p1000, 0x1p100);
  CHECK(large.total().high == -std::numeric_limits<double>::max());
  CHECK(large.total().radius == std::numeric_limits<double>::infinity());
  large.add_product(0x1p1000, 0x1p100);
  large.add(3);
  CHECK(large.total().high == 3);
}

TEST_CASE("Exact accumulators enclose MPFR's sums of any doubles") {
  test::Random random(1);
  for (int trial = 0; trial < 300; ++trial) {
    ExactAccumulator sum;
    test::ExactSum truth;
    for (int i = 0; i < 40; ++i) {
      // Half of them with their opposites nearby, so that leading digits cancel.
      const double x = random.any_finite() * 0x1p-30, y = random.any_finite() * 0x1p-30;
      sum.add_product(x, y);
      truth.add_product(x, y);
      if (i % 2 == 0) continue;
      sum.add_product(std::nextafter(x, 0), -y);
      truth.add_product(std::nextafter(x, 0), -y);
    }
    const Enclosure value = sum.total();
    CHECK(truth.within(value.high, value.low, value.radius));
    if (std::isfinite(value.radius)) {
      CHECK(value.high == truth.nearest());
      CHECK(!(value.radius > std::fabs(value.low) * 0x1p-53 + 0x1p-1074));
    }
  }
}
