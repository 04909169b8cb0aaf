// SPDX-License-Identifier: Apache-2.0
// The table of element types and the bits of the small floats: every code of every format.
#include "core/io/dtype.hpp"

#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "core/io/error.hpp"
#include "tests/core/io/files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

using namespace ulpscope::io;
using ulpscope::test::refusal;

namespace {

struct SmallFloat {
  const char* name;
  unsigned codes;    // of both signs
  unsigned largest;  // code of the largest finite number
  bool infinite;
  std::function<double(unsigned)> decode;
  std::function<unsigned(double)> encode;
};

std::vector<SmallFloat> small_floats() {
  const auto u16 = [](unsigned bits) { return static_cast<std::uint16_t>(bits); };
  const auto u8 = [](unsigned bits) { return static_cast<std::uint8_t>(bits); };
  return {{"bf16", 0x10000, 0x7F7F, true, [=](unsigned b) { return decode_bf16(u16(b)); }, encode_bf16},
          {"f16", 0x10000, 0x7BFF, true, [=](unsigned b) { return decode_f16(u16(b)); }, encode_f16},
          {"e4m3", 0x100, 0x7E, false, [=](unsigned b) { return decode_f8_e4m3(u8(b)); }, encode_f8_e4m3},
          {"e5m2", 0x100, 0x7B, true, [=](unsigned b) { return decode_f8_e5m2(u8(b)); }, encode_f8_e5m2}};
}

}  // namespace

TEST_CASE("Rows of the table stand in the order of the enumeration", "[io]") {
  std::size_t row = 0;
  for (const DTypeInfo& info : dtypes()) {
    CHECK(static_cast<std::size_t>(info.dtype) == row++);
    CHECK(parse_dtype(info.name, "t") == info.dtype);
    CHECK(parse_dtype(info.format, "t") == info.dtype);
  }
  CHECK(row == 11);
  CHECK(refusal([] {
          parse_dtype("bf61", "--dtype");
        }).starts_with("--dtype: unknown dtype 'bf61'; did you mean 'bf16'? known: fp64 "));
  CHECK(is_float(DType::f8_e5m2));
  CHECK_FALSE(is_float(DType::boolean));
}

TEST_CASE("Hand-computed codes of the small floats", "[io]") {
  CHECK(decode_bf16(0x3F80) == 1.0f);
  CHECK(decode_bf16(0xC61C) == -9984.0f);
  CHECK(decode_bf16(0x0001) == 0x1p-133f);
  CHECK(decode_f16(0x7BFF) == 65504.0f);
  CHECK(decode_f16(0x0001) == 0x1p-24f);
  CHECK(decode_f16(0xF0E2) == -10000.0f);
  CHECK(decode_f8_e4m3(0x7E) == 448.0f);
  CHECK(decode_f8_e4m3(0x01) == 0x1p-9f);
  CHECK(decode_f8_e5m2(0x7B) == 57344.0f);
  CHECK(decode_f8_e5m2(0xF1) == -10240.0f);
  CHECK(encode_bf16(-1e4) == 0xC61C);
  CHECK(encode_f16(-1e4) == 0xF0E2);
  CHECK(encode_f8_e5m2(-1e4) == 0xF1);
}

TEST_CASE("Every code of a small float survives decoding and encoding", "[io]") {
  for (const SmallFloat& format : small_floats()) {
    CAPTURE(format.name);
    unsigned wrong = 0;
    for (unsigned code = 0; code < format.codes; ++code) {
      const double value = format.decode(code);
      const unsigned back = format.encode(value);
      if (std::isnan(value)) {
        wrong += std::isnan(format.decode(back)) && std::signbit(value) == (back >= format.codes / 2) ? 0u : 1u;
      } else {
        wrong += back == code ? 0u : 1u;
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("Encoding rounds once, to nearest, ties to even", "[io]") {
  for (const SmallFloat& format : small_floats()) {
    CAPTURE(format.name);
    unsigned wrong = 0;
    for (unsigned code = 0; code < format.largest; ++code) {
      const double low = format.decode(code), high = format.decode(code + 1), middle = (low + high) / 2;
      const unsigned even = code % 2 == 0 ? code : code + 1;
      const unsigned sign = format.codes / 2;
      wrong += format.encode(middle) == even ? 0u : 1u;
      wrong += format.encode(-middle) == (even | sign) ? 0u : 1u;
      wrong +=
          format.encode(std::nextafter(middle, low)) == code ? 0u : 1u;  // a double's ulp: rounding through float fails
      wrong += format.encode(std::nextafter(middle, high)) == code + 1 ? 0u : 1u;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("Beyond the largest number lies infinity, and NaN where there is none", "[io]") {
  for (const SmallFloat& format : small_floats()) {
    CAPTURE(format.name);
    const double largest = format.decode(format.largest);
    const double step = largest - format.decode(format.largest - 1);
    const bool even = format.largest % 2 == 0;
    const double edge = largest + step / 2;
    CHECK(format.encode(std::nextafter(edge, 0.0)) == format.largest);
    CHECK((format.encode(edge) == format.largest) == even);
    for (const double beyond : {std::nextafter(edge, 1e300), 1e300, std::numeric_limits<double>::infinity()}) {
      CAPTURE(beyond);
      const double result = format.decode(format.encode(-beyond));
      CHECK(std::isinf(result) == format.infinite);
      CHECK(std::isnan(result) != format.infinite);
      CHECK(std::signbit(result));
    }
  }
}

TEST_CASE("Zeros keep their sign and tiny numbers go to zero", "[io]") {
  for (const SmallFloat& format : small_floats()) {
    CAPTURE(format.name);
    CHECK(format.encode(-0.0) == format.codes / 2);
    CHECK(format.encode(-5e-324) == format.codes / 2);
    CHECK(format.encode(5e-324) == 0);
  }
}

TEST_CASE("bf16 agrees with the rounding of a float's bits by an integer addition", "[io]") {
  ulpscope::test::Random random(7);
  unsigned wrong = 0;
  for (int i = 0; i < 100000; ++i) {
    const auto bits = static_cast<std::uint32_t>(random.bits());
    const float value = std::bit_cast<float>(bits);
    if (std::isnan(value)) continue;
    const std::uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
    wrong += encode_bf16(value) == rounded ? 0u : 1u;
  }
  CHECK(wrong == 0);
}
