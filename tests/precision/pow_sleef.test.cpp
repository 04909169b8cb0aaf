// SPDX-License-Identifier: Apache-2.0
// SLEEF's power by bits that PyTorch gave, and its distance from the truth by MPFR.
#include "precision/pow_sleef.hpp"

#include <cmath>

#include "precision/pow_variant.hpp"
#include "precision/real.hpp"
#include "precision/ulp.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::precision;

namespace {

double error_in_ulps(float x, float y) {
  const Real truth = pow(Real(x), Real(y));
  const double unit = ulp(truth.convert_to<double>(), parse_format("fp32"));
  return std::fabs(Real(Real(pow_sleef_u10(x, y)) - truth).convert_to<double>()) / unit;
}

}  // namespace

TEST_CASE("SLEEF's power is within an ulp, and not correctly rounded") {
  double worst = 0;
  int wrong = 0;
  for (const float theta : {10000.0F, 160000.0F, 500000.0F, 2.5F}) {
    for (int k = 0; k < 1000; ++k) {
      const double error = error_in_ulps(theta, static_cast<float>(k) / 1000);
      worst = std::fmax(worst, error);
      wrong += error > 0.5 ? 1 : 0;
    }
  }
  CHECK(worst < 0.6);
  CHECK(wrong > 10);
  CHECK(wrong < 200);
}

TEST_CASE("Powers of whole groups are SLEEF's") {
  const PowChoice choice = parse_pow_choice("sleef_u10:32");
  CHECK(takes_sleef(choice, 31, 33));
  CHECK(!takes_sleef(choice, 32, 33));
  CHECK(!takes_sleef(choice, 0, 31));
  CHECK(!takes_sleef(parse_pow_choice("correct"), 0, 64));
  for (const char* text : {"", "sleef_u10", "sleef_u10:", "sleef_u10:0", "sleef_u10:32x", "sleef_u10:65537", "libm"}) {
    INFO(text);
    CHECK_THROWS_WITH(parse_pow_choice(text),
                      "unknown power '" + std::string(text) + "'; known: correct, sleef_u10:V (V from 1 to 65536)");
  }
}
