// SPDX-License-Identifier: Apache-2.0
// Units in the last place, encodings and hexadecimal of any format.
#include "precision/ulp.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "precision/rounding.hpp"

namespace ulpscope::precision {
namespace {

/// Position of |x| in the format's ordered values: `whole + part`, zero at 0.
struct Ordinal {
  std::int64_t whole;
  double part;
};

Ordinal ordinal(double x, const Format& format) {
  const double magnitude = std::fabs(x);
  if (magnitude == 0) return {0, 0};
  const int exponent = std::max(std::ilogb(magnitude), format.emin);
  const double units = std::ldexp(magnitude, format.precision - 1 - exponent);
  const double whole = std::floor(units);
  const std::int64_t binade = static_cast<std::int64_t>(exponent - format.emin) << (format.precision - 1);
  const std::int64_t sign = std::signbit(x) ? -1 : 1;
  return {sign * (binade + static_cast<std::int64_t>(whole)), static_cast<double>(sign) * (units - whole)};
}

std::uint64_t fraction_mask(const Format& format) { return (std::uint64_t{1} << (format.precision - 1)) - 1; }

}  // namespace

double ulp(double x, const Format& format) {
  if (!std::isfinite(x)) return std::fabs(x);
  const double magnitude = std::min(std::fabs(x), format.max_finite);
  const int exponent = magnitude == 0 ? format.emin : std::max(std::ilogb(magnitude), format.emin);
  return std::ldexp(1.0, exponent - format.precision + 1);
}

double ulp_distance(double a, double b, const Format& format) {
  if (std::isnan(a) && std::isnan(b)) return 0;
  if (a == b) return 0;
  if (!std::isfinite(a) || !std::isfinite(b)) return std::numeric_limits<double>::infinity();
  const Ordinal x = ordinal(a, format), y = ordinal(b, format);
  // Opposite ordinals of binary64 differ by up to 2^64.
  const double whole = static_cast<double>(static_cast<__int128>(x.whole) - static_cast<__int128>(y.whole));
  return std::fabs(whole + (x.part - y.part));
}

std::uint64_t encode(double x, const Format& format) {
  const double value = round(x, format);
  const std::uint64_t sign = static_cast<std::uint64_t>(std::signbit(value)) << (total_bits(format) - 1);
  const std::uint64_t all_ones = ~(~std::uint64_t{0} << (total_bits(format) - 1));
  if (std::isnan(value)) {
    if (format.special == Special::none) return all_ones;
    if (format.special == Special::nan_only) return sign | all_ones;
    return sign | (all_ones & ~(fraction_mask(format) >> 1));
  }
  if (std::isinf(value)) return sign | (all_ones & ~fraction_mask(format));
  return sign | static_cast<std::uint64_t>(std::abs(ordinal(value, format).whole));
}

double decode(std::uint64_t bits, const Format& format) {
  const bool negative = (bits >> (total_bits(format) - 1)) & 1;
  const std::uint64_t magnitude = bits & ~(~std::uint64_t{0} << (total_bits(format) - 1));
  const std::uint64_t field = magnitude >> (format.precision - 1);
  const std::uint64_t fraction = magnitude & fraction_mask(format);
  const int last_field = format.emax - format.emin + 1;
  double value = 0;
  if (field == 0) {
    value = std::ldexp(static_cast<double>(fraction), format.emin - format.precision + 1);
  } else {
    const std::uint64_t significand = fraction | (fraction_mask(format) + 1);
    value = std::ldexp(static_cast<double>(significand), format.emin + static_cast<int>(field) - format.precision);
    const bool is_inf = format.special == Special::ieee && static_cast<int>(field) > last_field && fraction == 0;
    if (is_inf) value = std::numeric_limits<double>::infinity();
    if (!is_inf && value > format.max_finite) value = std::numeric_limits<double>::quiet_NaN();
    if (format.special == Special::ieee && static_cast<int>(field) > last_field && fraction != 0) {
      value = std::numeric_limits<double>::quiet_NaN();
    }
  }
  return negative ? -value : value;
}

std::string hex(double x, const Format& format) {
  const std::uint64_t bits = encode(x, format);
  const int digits = (total_bits(format) + 3) / 4;
  std::string text = "0x";
  for (int i = digits - 1; i >= 0; --i) text += "0123456789ABCDEF"[(bits >> (4 * i)) & 15];
  return text;
}

}  // namespace ulpscope::precision
