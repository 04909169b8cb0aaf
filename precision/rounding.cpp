// SPDX-License-Identifier: Apache-2.0
// The readable rounding: one value, any format, any mode.
#include "precision/rounding.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>

#include "precision/emulated.hpp"

namespace ulpscope::precision {
namespace {

/// What the format has in place of an infinity.
double infinite_value(const Format& format) {
  if (format.saturate || format.special == Special::none) return format.max_finite;
  return format.special == Special::ieee ? infinity() : std::numeric_limits<double>::quiet_NaN();
}

/// Whether a finite magnitude beyond the largest finite value stops there, by mode and sign.
bool stops_at_max(RoundingMode mode, double x) {
  switch (mode) {
    case RoundingMode::toward_zero:
    case RoundingMode::odd:
      return true;
    case RoundingMode::down:
      return x > 0;
    case RoundingMode::up:
      return x < 0;
    default:
      return false;
  }
}

/// Whether |x| = `units + rest` units, 0 <= rest < 1, becomes `units + 1`.
bool steps_up(RoundingMode mode, double units, double rest, double x) {
  const bool is_odd = std::fmod(units, 2.0) != 0;
  switch (mode) {
    case RoundingMode::nearest_even:
      return rest > 0.5 || (rest == 0.5 && is_odd);
    case RoundingMode::nearest_away:
      return rest >= 0.5;
    case RoundingMode::down:
      return rest > 0 && x < 0;
    case RoundingMode::up:
      return rest > 0 && x > 0;
    case RoundingMode::odd:
      return rest > 0 && !is_odd;
    default:
      return false;
  }
}

}  // namespace

double round(double x, const Format& format, std::uint64_t random) {
  if (std::isnan(x) || x == 0) return x;
  const double magnitude = std::fabs(x);
  if (std::isinf(magnitude)) return std::copysign(infinite_value(format), x);
  const int exponent = std::max(std::ilogb(magnitude), format.emin);
  const double ulp = std::ldexp(1.0, exponent - format.precision + 1);
  const double scaled = std::ldexp(magnitude, format.precision - 1 - exponent);
  const double units = std::floor(scaled);
  const double rest = scaled - units;
  bool up = steps_up(format.mode, units, rest, x);
  if (format.mode == RoundingMode::stochastic) up = rest > static_cast<double>(random >> 11) * 0x1p-53;
  double result = (units + (up ? 1 : 0)) * ulp;
  if (result > format.max_finite) {
    result = stops_at_max(format.mode, x) ? format.max_finite : infinite_value(format);
  }
  if (format.flush_results && result < min_normal(format)) result = 0;
  return std::copysign(result, x);
}

double round(double x, const Format& format) { return round(x, format, 0); }

void refuse_carrier(const Format& format, std::string_view carrier) {
  throw std::invalid_argument("format '" + format.name + "' cannot be emulated in " + std::string(carrier) +
                              "; known: p <= 24 in float, p <= 50 in double, fp32 and fp64 themselves to nearest even");
}

}  // namespace ulpscope::precision
