// SPDX-License-Identifier: Apache-2.0
// x86's bf16 dot product (VDPBF16PS) is two emulated FMAs with flushes, where this processor has the instruction.
#include <bit>
#include <cmath>
#include <cstdint>

#include "precision/emulated.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/random.hpp"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
#define ULPSCOPE_HAS_DOT_INSTRUCTION
#endif

using namespace ulpscope;
using namespace ulpscope::precision;

namespace {

/// Bits of two bf16 factors.
struct Factors {
  std::uint16_t a;
  std::uint16_t b;
};

double value(std::uint16_t bits) {
  return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16));
}

#ifdef ULPSCOPE_HAS_DOT_INSTRUCTION
__attribute__((target("avx512f,avx512vl,avx512bf16"))) float instruction(float c, Factors even, Factors odd) {
  const auto pair = [](std::uint16_t low, std::uint16_t high) {
    return static_cast<int>(static_cast<std::uint32_t>(high) << 16 | low);
  };
  const auto a = std::bit_cast<__m128bh>(_mm_set_epi32(0, 0, 0, pair(even.a, odd.a)));
  const auto b = std::bit_cast<__m128bh>(_mm_set_epi32(0, 0, 0, pair(even.b, odd.b)));
  return _mm_cvtss_f32(_mm_dpbf16_ps(_mm_set_ss(c), a, b));
}
bool available() { return __builtin_cpu_supports("avx512bf16") != 0; }
#else
float instruction(float c, Factors, Factors) { return c; }
bool available() { return false; }
#endif

/// The odd pair first, then the even one; subnormal operands and results are zeros.
double model(double c, Factors even, Factors odd) {
  const Emulated<double> fp32(parse_format("fp32:ftz:daz"));
  return fp32.fma(value(even.a), value(even.b), fp32.fma(value(odd.a), value(odd.b), c));
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

}  // namespace

TEST_CASE("E11: the model adds the odd product first, flushes, and gives NaN for 0 times infinity") {
  const auto bits = [](float x) { return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16); };
  const Factors tiny{bits(0x1p-12F), bits(0x1p-13F)};  // 2^-25, half of half an ulp of 1
  const Factors one{bits(1), bits(1)};
  const Factors minus{bits(-1), bits(1)};
  CHECK(model(0, tiny, one) == 1);
  CHECK(model(1, tiny, minus) == 0x1p-25);  // 1 - 1 first
  CHECK(model(1, minus, tiny) == 0);        // 1 + 2^-25 first
  CHECK(model(0, Factors{bits(0x1p-127F), bits(1)}, Factors{0, 0}) == 0);
  CHECK(std::isnan(model(0, Factors{bits(INFINITY), 0}, one)));
}

TEST_CASE("the processor's bf16 dot product has the model's bits in a million random cases") {
  if (!available()) {
    WARN("skipped: this processor has no VDPBF16PS");
    return;
  }
  test::Random random(7);
  const auto any_pattern = [&] { return static_cast<std::uint16_t>(random.bits()); };
  const auto ordinary = [&] {
    return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(static_cast<float>(random.normal())) >> 16);
  };
  int differing = 0;
  int zeros = 0;
  for (int i = 0; i < 1000000; ++i) {
    const bool any = i % 2 == 0;  // every pattern, NaN and subnormal ones too; or what cancels and rounds
    const auto bf16 = [&] { return any ? any_pattern() : ordinary(); };
    const Factors even{bf16(), bf16()};
    const Factors odd{bf16(), bf16()};
    const float c =
        any ? std::bit_cast<float>(static_cast<std::uint32_t>(random.bits())) : static_cast<float>(random.normal());
    const double expected = model(static_cast<double>(c), even, odd);
    differing += same(expected, static_cast<double>(instruction(c, even, odd))) ? 0 : 1;
    zeros += expected == 0 ? 1 : 0;
  }
  CHECK(differing == 0);
  CHECK(zeros > 10);
}
