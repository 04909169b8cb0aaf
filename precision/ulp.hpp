// SPDX-License-Identifier: Apache-2.0
// Units in the last place, encodings and hexadecimal of any format.
#pragma once

#include <cstdint>
#include <string>

#include "precision/format.hpp"

namespace ulpscope::precision {

/// Spacing of the format's values at |x|: 2^(max(exponent(x), emin) - p + 1); at and above max_finite its last spacing.
/// NaN for NaN, infinity for infinity.
double ulp(double x, const Format& format);

/// Distance of a and b counted in values of the format: the difference of their ordered integers, +0 and -0 being one.
/// Values between two of the format count fractions, so an exact truth may be compared. NaN against NaN is 0, NaN
/// against a number infinity, and so is an infinity against anything but itself: classes are not a matter of ulps.
double ulp_distance(double a, double b, const Format& format);

/// The encoding of x (rounded to the format if it is not a value of it): sign, exponent field, fraction. NaN is the
/// quiet NaN of its sign; in formats without NaN it is the largest positive code, as CUDA's FP6 and FP4 conversions
/// give.
std::uint64_t encode(double x, const Format& format);
double decode(std::uint64_t bits, const Format& format);

/// The encoding with all its digits: "0xC61C".
std::string hex(double x, const Format& format);

}  // namespace ulpscope::precision
