// SPDX-License-Identifier: Apache-2.0
// Encodings, hexadecimal, spacing and distance.
#include "precision/ulp.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include "precision/rounding.hpp"
#include "tests/precision/oracle.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

using namespace ulpscope;
using namespace ulpscope::precision;

namespace {
const double infinity_value = std::numeric_limits<double>::infinity();
const double nan_value = std::numeric_limits<double>::quiet_NaN();

std::string hex_of(double x, const char* name) { return hex(round(x, parse_format(name)), parse_format(name)); }
}  // namespace

TEST_CASE("Every encoding of every format up to 16 bits survives decode and encode") {
  for (const Format& format : formats()) {
    if (total_bits(format) > 16) continue;
    int wrong = 0;
    for (std::uint64_t bits = 0; bits < (std::uint64_t{1} << total_bits(format)); ++bits) {
      const double x = decode(bits, format);
      if (std::isnan(x)) {
        wrong += std::isnan(decode(encode(x, format), format)) ? 0 : 1;
      } else {
        wrong += encode(x, format) == bits ? 0 : 1;
      }
    }
    INFO(format.name);
    CHECK(wrong == 0);
  }
}

TEST_CASE("fp32 and fp64 encodings are the machine's") {
  test::Random random(1);
  const Format fp32 = parse_format("fp32"), fp64 = parse_format("fp64");
  for (int i = 0; i < 20000; ++i) {
    const auto bits32 = static_cast<std::uint32_t>(random.bits());
    const std::uint64_t bits64 = random.bits();
    const float x = std::bit_cast<float>(bits32);
    const double y = std::bit_cast<double>(bits64);
    if (!std::isnan(x)) CHECK(encode(static_cast<double>(x), fp32) == bits32);
    CHECK(test::same(decode(bits32, fp32), static_cast<double>(x)));
    if (!std::isnan(y)) CHECK(encode(y, fp64) == bits64);
    CHECK(test::same(decode(bits64, fp64), y));
  }
}

TEST_CASE("Special codes are where the standards put them") {
  CHECK(encode(nan_value, parse_format("e4m3fn")) == 0x7F);
  CHECK(encode(-nan_value, parse_format("e4m3fn")) == 0xFF);
  CHECK(decode(0x7E, parse_format("e4m3fn")) == 448);
  CHECK(std::isnan(decode(0x7F, parse_format("e4m3fn"))));
  CHECK(encode(infinity_value, parse_format("e5m2")) == 0x7C);
  CHECK(std::isnan(decode(0x7D, parse_format("e5m2"))));
  CHECK(decode(0x7, parse_format("e2m1")) == 6);
  CHECK(decode(0xF, parse_format("e2m1")) == -6);
  CHECK(encode(nan_value, parse_format("e2m1")) == 0x7);
  CHECK(encode(nan_value, parse_format("bf16")) == 0x7FC0);
  CHECK(encode(infinity_value, parse_format("fp16:sat")) == 0x7BFF);
}

TEST_CASE("E1: pads after rounding, hex for hex") {
  struct Pad {
    double value;
    const char *fp32, *bf16, *fp16, *fp16_sat, *e4m3fn, *e4m3fn_sat, *e5m2, *e5m2_sat;
  };
  const double fp32_min = -0x1.fffffep127, bf16_min = -0x1.fep127;
  const double maxtext = static_cast<double>(-0.7f * 0x1.fffffep127f);
  const Pad pads[] = {{-1e4, "0xC61C4000", "0xC61C", "0xF0E2", "0xF0E2", "0xFF", "0xFE", "0xF1", "0xF1"},
                      {-1e9, "0xCE6E6B28", "0xCE6E", "0xFC00", "0xFBFF", "0xFF", "0xFE", "0xFC", "0xFB"},
                      {-infinity_value, "0xFF800000", "0xFF80", "0xFC00", "0xFBFF", "0xFF", "0xFE", "0xFC", "0xFB"},
                      {fp32_min, "0xFF7FFFFF", "0xFF80", "0xFC00", "0xFBFF", "0xFF", "0xFE", "0xFC", "0xFB"},
                      {maxtext, "0xFF333332", "0xFF33", "0xFC00", "0xFBFF", "0xFF", "0xFE", "0xFC", "0xFB"},
                      {bf16_min, "0xFF7F0000", "0xFF7F", "0xFC00", "0xFBFF", "0xFF", "0xFE", "0xFC", "0xFB"},
                      {-65504, "0xC77FE000", "0xC780", "0xFBFF", "0xFBFF", "0xFF", "0xFE", "0xFC", "0xFB"}};
  for (const Pad& pad : pads) {
    INFO(pad.value);
    CHECK(hex_of(pad.value, "fp32") == pad.fp32);
    CHECK(hex_of(pad.value, "bf16") == pad.bf16);
    CHECK(hex_of(pad.value, "fp16") == pad.fp16);
    CHECK(hex_of(pad.value, "fp16:sat") == pad.fp16_sat);
    CHECK(hex_of(pad.value, "e4m3fn") == pad.e4m3fn);
    CHECK(hex_of(pad.value, "e4m3fn:sat") == pad.e4m3fn_sat);
    CHECK(hex_of(pad.value, "e5m2") == pad.e5m2);
    CHECK(hex_of(pad.value, "e5m2:sat") == pad.e5m2_sat);
    CHECK(round(pad.value, parse_format("e3m2")) == -28);
    CHECK(round(pad.value, parse_format("e2m3")) == -7.5);
    CHECK(round(pad.value, parse_format("e2m1")) == -6);
  }
  CHECK(round(-1e4, parse_format("bf16")) == -9984);
  CHECK(round(-1e4, parse_format("tf32")) == -10000);
  CHECK(round(-1e9, parse_format("tf32")) == -999817216);
  CHECK(round(-1e9, parse_format("bf16")) == -998244352);
  CHECK(round(fp32_min, parse_format("tf32")) == -infinity_value);
  CHECK(round(-infinity_value, parse_format("tf32")) == -infinity_value);
  CHECK(round(maxtext, parse_format("tf32")) == -0x1.668p127);
  CHECK(round(bf16_min, parse_format("tf32")) == bf16_min);
  CHECK(round(-65504, parse_format("tf32")) == -65504);
  CHECK(round(-65504, parse_format("bf16")) == -65536);
  CHECK(round(464, parse_format("e4m3fn")) == 448);
}

TEST_CASE("Spacing at 1e4") {
  CHECK(ulp(1e4, parse_format("fp32")) == 0x1p-10);
  CHECK(ulp(1e4, parse_format("fp16")) == 8);
  CHECK(ulp(-1e4, parse_format("tf32")) == 8);
  CHECK(ulp(1e4, parse_format("bf16")) == 64);
  CHECK(ulp(1e4, parse_format("e5m2")) == 2048);
  CHECK(ulp(0, parse_format("bf16")) == 0x1p-133);
  CHECK(ulp(0x1p-130, parse_format("bf16")) == 0x1p-133);
  CHECK(ulp(1e30, parse_format("fp16")) == 32);
  CHECK(std::isnan(ulp(nan_value, parse_format("fp16"))));
}

TEST_CASE("Distance counts values of the format") {
  const Format fp32 = parse_format("fp32"), bf16 = parse_format("bf16"), fp64 = parse_format("fp64");
  CHECK(ulp_distance(0.0, static_cast<double>(1e-4f), fp32) == 953267991);
  CHECK(ulp_distance(-0x1p-149, 0x1p-149, fp32) == 2);
  CHECK(ulp_distance(0.0, -0.0, fp32) == 0);
  CHECK(ulp_distance(1, 1 + 0x1p-7, bf16) == 1);
  CHECK(ulp_distance(1, 1 - 0x1p-8, bf16) == 1);
  CHECK(ulp_distance(1, 1 + 0x1p-9, bf16) == 0.25);
  CHECK(ulp_distance(2, 4, bf16) == 128);
  CHECK(ulp_distance(-std::numeric_limits<double>::max(), std::numeric_limits<double>::max(), fp64) > 1.8e19);
}

TEST_CASE("Distance between classes is not a number of ulps") {
  const Format fp32 = parse_format("fp32");
  CHECK(ulp_distance(nan_value, nan_value, fp32) == 0);
  CHECK(ulp_distance(nan_value, 1, fp32) == infinity_value);
  CHECK(ulp_distance(infinity_value, infinity_value, fp32) == 0);
  CHECK(ulp_distance(infinity_value, fp32.max_finite, fp32) == infinity_value);
  CHECK(ulp_distance(infinity_value, -infinity_value, fp32) == infinity_value);
}
