// SPDX-License-Identifier: Apache-2.0
// Underflow points: where a format begins to round positive numbers to 0, and to subnormal ones.
#pragma once

#include "core/compressor/slot_arithmetic.hpp"
#include "precision/format.hpp"

namespace ulpscope::judge {

/// No positive number below it survives rounding to the format, and every one above it does; 0: some mode lets them
/// all survive, by chance at least. The point itself goes to 0 exactly where ties go to even, and flushes do not act.
double zero_point(const precision::Format& format);
/// exp(x) rounds to 0 for x below it (and at it, where zero_point itself goes to 0): log(zero_point).
double exp_zero_below(const precision::Format& format);
/// exp(x) is below the smallest normal number for x below it.
double exp_subnormal_below(const precision::Format& format);

/// The same for the exponential of a slot: of its variant, rounded to the format in which it computes, then to `to`.
/// Variants other than `correct` are asked themselves: the largest fp32 number at which they give 0, and the largest at
/// which they give a subnormal number of `to` (or 0).
struct ExpPoints {
  double zero_below = 0;
  double subnormal_below = 0;
};
ExpPoints exp_points(const compressor::SlotArithmetic& slot, const precision::Format& to);

}  // namespace ulpscope::judge
