// SPDX-License-Identifier: Apache-2.0
// The fp32 power of SLEEF, bit for bit: what PyTorch's vectors on x86 take theta^f from.
#pragma once

#include <cmath>

#include "precision/error_free.hpp"

namespace ulpscope::precision {
inline namespace ULPSCOPE_LEVEL {
namespace detail::sleef {

// Numbers as two floats; each operation has SLEEF's own order, FMA included, and leaves its result unnormalised.
using Two = TwoTerm<float>;

inline Two multiply(Two a, float b) {
  const float high = a.high * b;
  return {high, fma(a.low, b, fma(a.high, b, -high))};
}
inline Two multiply(Two a, Two b) {
  const float high = a.high * b.high;
  return {high, fma(a.high, b.low, fma(a.low, b.high, fma(a.high, b.high, -high)))};
}
inline Two square(Two a) {
  const float high = a.high * a.high;
  return {high, fma(a.high + a.high, a.low, fma(a.high, a.high, -high))};
}
inline Two divide(Two a, Two b) {
  const float reciprocal = 1 / b.high;
  const float high = a.high * reciprocal;
  const float rest = fma(reciprocal, a.high, -high);
  const float correction = fma(-b.low, reciprocal, fma(-b.high, reciprocal, 1.0F));
  return {high, fma(high, correction, fma(a.low, reciprocal, rest))};
}
/// |a| >= |b|.
inline Two add_smaller(Two a, Two b) {
  const Two sum = fast_two_sum(a.high, b.high);
  return {sum.high, (sum.low + a.low) + b.low};
}
inline Two add_any(Two a, Two b) {
  const Two sum = two_sum(a.high, b.high);
  return {sum.high, sum.low + (a.low + b.low)};
}
inline Two add_any(Two a, float b) {
  const Two sum = two_sum(a.high, b);
  return {sum.high, sum.low + a.low};
}

/// ln x, x = m 2^e with m in [3/4, 3/2): 2 artanh((m - 1) / (m + 1)) + e ln 2.
inline Two logarithm(float x) {
  const int e = std::ilogb(x * (1 / 0.75F));
  const float m = std::ldexp(x, -e);
  const Two ratio = divide(two_sum(-1.0F, m), two_sum(1.0F, m));
  const Two squared = square(ratio);
  const float line = fma(0.240320354700088500976562F, squared.high, 0.285112679004669189453125F);
  const float parabola = fma(line, squared.high, 0.400007992982864379882812F);
  const Two cubic = add_any(multiply(squared, parabola), {0.66666662693023681640625F, 3.69183861259614332084311e-09F});
  const Two whole = multiply({0.69314718246459960938F, -1.904654323148236017e-09F}, static_cast<float>(e));
  const Two line_too = add_smaller(whole, {ratio.high * 2, ratio.low * 2});
  return add_smaller(line_too, multiply(multiply(squared, ratio), cubic));
}

/// e^x for a result in fp32's normal range.
inline float exponential(Two x) {
  const float n = std::rint((x.high + x.low) * 1.442695040888963407359924681001892137426645954152985934135449406931F);
  const Two near = add_any(add_any(x, n * -0.693145751953125F), n * -1.428606765330187045e-06F);
  const Two rest = fast_two_sum(near.high, near.low);
  float q = 0.00136324646882712841033936F;
  q = fma(q, rest.high, 0.00836596917361021041870117F);
  q = fma(q, rest.high, 0.0416710823774337768554688F);
  q = fma(q, rest.high, 0.166665524244308471679688F);
  q = fma(q, rest.high, 0.499999850988388061523438F);
  const Two small = add_smaller(rest, multiply(square(rest), q));
  const Two sum = add_smaller({1.0F, 0.0F}, small);
  return std::ldexp(sum.high + sum.low, static_cast<int>(n));
}

}  // namespace detail::sleef

/// x^y for normal x > 0 and a result in fp32's normal range: SLEEF 3 Sleef_powf*_u10 with FMA [SLEEF].
inline float pow_sleef_u10(float x, float y) {
  return detail::sleef::exponential(detail::sleef::multiply(detail::sleef::logarithm(x), y));
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::precision
