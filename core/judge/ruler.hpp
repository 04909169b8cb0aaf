// SPDX-License-Identifier: Apache-2.0
// Ruler: distances counted in the numbers of a format, between values that need not be numbers of it.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "precision/format.hpp"

namespace ulpscope::judge {

/// The ulp distance, extended to the reals: how many spacings of the format lie between two finite values, counted
/// along the format, binade by binade. On two numbers of the format it is the difference of their ordered encodings; a
/// correctly rounded result stands within 0.5 of the exact one; +0 equals -0; below the smallest normal number the
/// spacing is the smallest subnormal (in flushing formats too).
class Ruler {
 public:
  explicit Ruler(const precision::Format& format)
      : precision_(format.precision),
        emin_(format.emin),
        units_per_binade_(std::ldexp(1.0, format.precision - 1)),
        min_normal_(std::ldexp(1.0, format.emin)),
        half_scale_(std::ldexp(1.0, (format.precision - 1 - format.emin) / 2)),
        other_half_(std::ldexp(1.0, (format.precision - 1 - format.emin) - (format.precision - 1 - format.emin) / 2)) {}

  /// Both finite.
  double distance(double a, double b) const {
    const Mark high = mark(std::fabs(a));
    const Mark low = mark(std::fabs(b));
    if (std::signbit(a) == std::signbit(b)) {
      return std::fabs((high.binade - low.binade) * units_per_binade_ + (high.units - low.units));
    }
    return (high.binade - emin_) * units_per_binade_ + high.units + (low.binade - emin_) * units_per_binade_ +
           low.units;
  }

  /// The same to b + tail, where a double is too coarse for b: |tail| is at most a spacing of doubles at b.
  double distance(double a, double b, double tail) const {
    if (tail == 0) return distance(a, b);
    const Mark high = mark(std::fabs(a));
    const Mark low = mark(std::fabs(b));
    const double more = (std::signbit(b) ? -tail : tail) / spacing(b);
    if (std::signbit(a) == std::signbit(b))
      return std::fabs((high.binade - low.binade) * units_per_binade_ + (high.units - low.units) - more);
    return distance(a, b) + more;
  }

  /// The spacing at |x|: of the binade that holds it.
  double spacing(double x) const {
    return std::ldexp(1.0, static_cast<int>(mark(std::fabs(x)).binade) - precision_ + 1);
  }

  double min_normal() const { return min_normal_; }

 private:
  struct Mark {
    double binade;  ///< exponent of the binade, at least emin
    double units;   ///< |x| in spacings of that binade
  };
  Mark mark(double magnitude) const {
    if (magnitude < min_normal_) return {static_cast<double>(emin_), magnitude * half_scale_ * other_half_};
    const auto bits = std::bit_cast<std::uint64_t>(magnitude);
    const double significand = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u);
    return {static_cast<double>(static_cast<int>(bits >> 52) - 1023), significand * units_per_binade_};
  }

  int precision_;
  int emin_;
  double units_per_binade_;
  double min_normal_;
  double half_scale_;
  double other_half_;
};

}  // namespace ulpscope::judge
