// SPDX-License-Identifier: Apache-2.0
// Underflow points: the published thresholds, and rounding itself on both sides of every point.
#include "core/judge/underflow_point.hpp"

#include <cmath>
#include <limits>

#include "precision/rounding.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using judge::exp_subnormal_below;
using judge::exp_zero_below;
using judge::zero_point;

namespace {

precision::Format format_of(const std::string& name) { return precision::parse_format(name); }

/// Bounds of the table are given to 15 digits or fewer.
struct Threshold {
  const char* format;
  double zero;
  double subnormal;
};

constexpr Threshold thresholds[] = {
    {"fp64", -745.133219101941, -708.396418532264},
    {"fp32", -103.972077083992, -87.3365447505531},
    {"bf16", -92.8817221950327, -87.3365447505531},
    {"fp16", -17.3286795139986, -9.70406052783923},
    {"e5m2", -11.7835020695191, -9.70406052783923},
    {"e4m3fn", -6.93147180559945, -4.15888308335967},
    {"e2m1", -1.38629436111989, 0},
};

}  // namespace

TEST_CASE("exp rounds to 0, and to a subnormal number, where ln(2^(emin-p)) and ln(2^emin) say") {
  for (const Threshold& threshold : thresholds) {
    INFO(threshold.format);
    const auto format = format_of(threshold.format);
    CHECK_THAT(exp_zero_below(format), Catch::Matchers::WithinRel(threshold.zero, 1e-14));
    CHECK_THAT(exp_subnormal_below(format), Catch::Matchers::WithinAbs(threshold.subnormal, 1e-13));
  }
}

TEST_CASE("every format rounds what is below its point to 0 and what is above it to another number") {
  for (const auto& row : precision::formats()) {
    for (const char* suffix :
         {"", ":ftz", ":rz", ":ra", ":rd", ":ru", ":odd", ":ftz:rz", ":ftz:ru", ":ftz:ra", ":ftz:odd"}) {
      const auto format = format_of(row.name + suffix);
      if (format.emin < -1000) continue;  // doubles hold nothing below fp64's
      const double point = zero_point(format);
      INFO(format.name);
      const double above = point == 0 ? std::numeric_limits<double>::min() : std::nextafter(point, 1.0);
      CHECK(precision::round(above, format) != 0);
      if (point == 0) continue;
      CHECK(precision::round(std::nextafter(point, 0.0), format) == 0);
      CHECK_THAT(exp_zero_below(format), Catch::Matchers::WithinRel(std::log(point), 1e-14));
    }
  }
}

TEST_CASE("the point itself is a tie that goes to even, which is 0") {
  CHECK(precision::round(zero_point(format_of("bf16")), format_of("bf16")) == 0);
  CHECK(precision::round(zero_point(format_of("bf16:ra")), format_of("bf16:ra")) != 0);
}

TEST_CASE("a library's exponential is asked where it gives 0: the published floats") {
  const auto zero_below = [](precision::Exp exp, const char* to) {
    compressor::SlotArithmetic slot;
    slot.compute = format_of("fp32");
    slot.exp.full = exp;
    return judge::exp_points(slot, format_of(to)).zero_below;
  };
  CHECK(zero_below(precision::Exp::xla_cpu, "fp32") == -0x1.5ebb86p+6);
  CHECK(zero_below(precision::Exp::cuda, "fp32") == -0x1.9fe36ap+6);
  CHECK(zero_below(precision::Exp::cuda_fast, "fp32") == -0x1.9fe368p+6);
  CHECK(zero_below(precision::Exp::cuda, "bf16") == -0x1.7386ep+6);
  CHECK(zero_below(precision::Exp::cuda, "fp16") == -17.32868003845215);
  CHECK(zero_below(precision::Exp::cuda, "e4m3fn") == -6.931471824645996);
  CHECK_THAT(zero_below(precision::Exp::correct, "bf16"), Catch::Matchers::WithinRel(-92.8817221950327, 1e-14));
}
