// SPDX-License-Identifier: Apache-2.0
// The ruler agrees with the readable ulp distance, in every format and at every edge.
#include "core/judge/ruler.hpp"

#include <cmath>

#include "precision/ulp.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

using namespace ulpscope;

TEST_CASE("the ruler counts neighbours across the edge of a binade as one apart") {
  const judge::Ruler bf16(precision::parse_format("bf16"));
  CHECK(bf16.distance(1.0, 1.0 + 0x1p-7) == 1);
  CHECK(bf16.distance(1.0, 1.0 - 0x1p-8) == 1);
  CHECK(bf16.distance(1.0, 1.0 + 0x1p-8) == 0.5);
  CHECK(bf16.distance(0x1p-133, -0x1p-133) == 2);
  CHECK(bf16.distance(0.0, 0x1p-126) == 128);
  CHECK(bf16.spacing(1.0) == 0x1p-7);
  CHECK(bf16.spacing(0.0) == 0x1p-133);

  const judge::Ruler fp64(precision::parse_format("fp64"));
  CHECK(fp64.distance(1.0, std::nextafter(1.0, 2.0)) == 1);
  CHECK(fp64.distance(1.0, std::nextafter(1.0, 0.0)) == 1);
  CHECK(fp64.distance(0.0, 0x1p-1074) == 1);
  CHECK(fp64.distance(0x1.fffffffffffffp1023, std::nextafter(0x1.fffffffffffffp1023, 0.0)) == 1);
}

TEST_CASE("the ruler equals the readable distance in every format") {
  test::Random random(11);
  for (const precision::Format& format : precision::formats()) {
    const judge::Ruler ruler(format);
    for (int i = 0; i < 2000; ++i) {
      const double a = std::ldexp(random.normal(), static_cast<int>(random.index(40)) - 20);
      const double b = random.index(2) == 0 ? a * (1 + 1e-2 * random.normal()) : random.normal();
      if (!(std::fabs(a) < format.max_finite) || !(std::fabs(b) < format.max_finite)) continue;
      const double expected = precision::ulp_distance(a, b, format);
      INFO(format.name << " " << a << " " << b);
      CHECK_THAT(ruler.distance(a, b), Catch::Matchers::WithinULP(expected, 4));
    }
  }
}

TEST_CASE("to a sum of two doubles the ruler counts what the second adds, on either side of 0 and of the first") {
  const judge::Ruler fp64(precision::parse_format("fp64"));
  CHECK(fp64.distance(1.0, 1.0, 0x1p-53) == .5);
  CHECK(fp64.distance(-1.0, -1.0, 0x1p-53) == .5);
  CHECK(fp64.distance(1 + 0x1p-52, 1.0, 0x1p-53) == .5);
  CHECK(fp64.distance(1 + 0x1p-52, 1.0, -0x1p-53) == 1.5);
  CHECK(fp64.distance(-1 - 0x1p-52, -1.0, 0x1p-53) == 1.5);
  CHECK(fp64.distance(-0x1p-1073, 0x1p-1074, 0) == 3);
  const judge::Ruler bf16(precision::parse_format("bf16"));
  CHECK(bf16.distance(1.0 + 0x1p-7, 1.0, 0x1p-9) == .75);
  test::Random random(3);
  for (int i = 0; i < 1000; ++i) {
    const double truth = random.normal(), tail = random.normal() * 0x1p-12, run = random.normal();
    // A tail that a double could have taken: the same but for binades that it crosses.
    const double together = bf16.distance(run, truth + tail);
    CHECK(std::fabs(bf16.distance(run, truth, tail) - together) <= 2 * std::fabs(tail) / bf16.spacing(truth) + 1e-9);
    if (std::signbit(truth + tail) == std::signbit(truth) && bf16.spacing(truth + tail) == bf16.spacing(truth))
      CHECK(std::fabs(bf16.distance(run, truth, tail) - together) <= 1e-9);
  }
}
