// SPDX-License-Identifier: Apache-2.0
// Closed forms; rounding itself is asked in the test.
#include "core/judge/underflow_point.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>

#include "precision/array_operations.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::judge {
namespace {

using precision::Format;
using precision::RoundingMode;

/// ln(2^exponent): exponents of fp64's tiny numbers are not doubles' to hold.
double log_of_power(int exponent) { return exponent * std::log(2.0); }

/// What nearest rounding takes as half of the last place at the smallest numbers: 2^half_exponent.
int half_exponent(const Format& format) { return format.emin - format.precision; }

/// The rounded value must reach 2^emin, or it is flushed.
double flushed_below(const Format& format) {
  const double step = std::ldexp(1.0, -format.precision);  // half a place, in units of 2^emin
  switch (format.mode) {
    case RoundingMode::nearest_even:
    case RoundingMode::nearest_away:
      return 1 - step;
    case RoundingMode::toward_zero:
    case RoundingMode::down:
    case RoundingMode::odd:
      return 1;
    case RoundingMode::up:
    case RoundingMode::stochastic:
      return 1 - 2 * step;
  }
  return 1;
}

}  // namespace

double exp_zero_below(const Format& format) {
  if (format.flush_results) return log_of_power(format.emin) + std::log(flushed_below(format));
  switch (format.mode) {
    case RoundingMode::nearest_even:
    case RoundingMode::nearest_away:
      return log_of_power(half_exponent(format));
    case RoundingMode::toward_zero:
    case RoundingMode::down:
      return log_of_power(half_exponent(format) + 1);
    default:
      return -HUGE_VAL;
  }
}

double zero_point(const Format& format) {
  if (format.flush_results) return std::ldexp(flushed_below(format), format.emin);
  switch (format.mode) {
    case RoundingMode::nearest_even:
    case RoundingMode::nearest_away:
      return std::ldexp(1.0, half_exponent(format));
    case RoundingMode::toward_zero:
    case RoundingMode::down:
      return std::ldexp(1.0, half_exponent(format) + 1);
    default:
      return 0;
  }
}

double exp_subnormal_below(const Format& format) { return log_of_power(format.emin); }

namespace {

/// The largest fp32 number below 0 that an exponential brings to what `is_lost` says; it holds at -inf, and not at 0.
float last_lost(const std::function<bool(float)>& is_lost) {
  // Magnitudes of fp32 numbers are in the order of their bits.
  std::uint32_t kept = 0;
  std::uint32_t lost = std::bit_cast<std::uint32_t>(HUGE_VALF);
  while (lost - kept > 1) {
    const std::uint32_t middle = kept + (lost - kept) / 2;
    (is_lost(-std::bit_cast<float>(middle)) ? lost : kept) = middle;
  }
  return -std::bit_cast<float>(lost);
}

/// Of one exponential.
ExpPoints points_of(precision::Exp variant, const Format& compute, const Format& to) {
  if (variant == precision::Exp::correct || precision::is_plain_fp64(compute)) {
    return {std::max(exp_zero_below(compute), exp_zero_below(to)),
            std::max(exp_subnormal_below(compute), exp_subnormal_below(to))};
  }
  const auto exponential = [&](float x) {
    float y = 0;
    precision::exp_array(precision::best_simd_level(), {&x, 1}, {&y, 1}, variant);
    return precision::round(precision::round(static_cast<double>(y), compute), to);
  };
  const double normal = precision::min_normal(to);
  return {static_cast<double>(last_lost([&](float x) { return exponential(x) == 0; })),
          static_cast<double>(last_lost([&](float x) { return exponential(x) < normal; }))};
}

}  // namespace

ExpPoints exp_points(const compressor::SlotArithmetic& slot, const Format& to) {
  ExpPoints points = points_of(slot.exp.full, slot.compute, to);
  if (slot.exp.vector > 1) {  // channels beyond the last full vector take another one: whichever loses first
    const ExpPoints rest = points_of(slot.exp.rest, slot.compute, to);
    points = {std::max(points.zero_below, rest.zero_below), std::max(points.subnormal_below, rest.subnormal_below)};
  }
  return points;
}

}  // namespace ulpscope::judge
