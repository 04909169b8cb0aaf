// SPDX-License-Identifier: Apache-2.0
// The quantiser on enclosures: what an element or its scale may be rounded to, where the enclosure cannot tell.
#pragma once

#include "core/compressor/kernels/phase.hpp"
#include "precision/enclosed.hpp"

namespace ulpscope::compressor::rows {
inline namespace ULPSCOPE_LEVEL {

/// Bounds of max |x_c|; NaN where one is.
struct Largest {
  double least = 0;
  double most = 0;
};
inline Largest largest_of(const Rows<precision::EnclosedArithmetic>& data, int channels) {
  Largest amax;
  for (int c = 0; c < channels; ++c) {
    const precision::Enclosed x = data[c];
    if (x.high != x.high) return {x.high, x.high};
    const double low = precision::lower(x), high = precision::upper(x);
    amax.least = std::fmax(amax.least, std::fmax(low, -high));
    amax.most = std::fmax(amax.most, std::fmax(-low, high));
  }
  return amax;
}

/// A block with an element that has no bound: nothing is known of its scale.
inline bool lost_block(int channels, const Rows<precision::EnclosedArithmetic>& data) {
  bool bounded = true;
  bool finite = true;
  for (int c = 0; c < channels; ++c) {
    bounded = bounded && data[c].radius < precision::infinity();
    finite = finite && precision::is_finite(data[c]);
  }
  for (int c = 0; c < channels && !bounded; ++c) data.set(c, finite ? precision::any_real() : precision::anything());
  return !bounded;
}

/// Rounding is monotone, so both ends of x_c / scale tell all that an element may become: one value, or the hull.
template <>
inline void quantize_block<precision::EnclosedArithmetic, kernels::ElementRounding>(
    const Ops<precision::EnclosedArithmetic>& ops, const BlockRule& rule, int channels,
    kernels::ElementRounding element, Rows<precision::EnclosedArithmetic> data) {
  using precision::Enclosed;
  if (lost_block(channels, data)) return;
  const Largest amax = largest_of(data, channels);
  const double low = block_scale(rule, amax.least), high = block_scale(rule, amax.most);
  const bool bounded = high < precision::infinity();
  const Enclosed scale = low == high || !bounded ? Enclosed(high) : precision::hull(Enclosed(low), Enclosed(high));
  for (int c = 0; c < channels; ++c) {
    const Enclosed x = data[c];
    const Enclosed reduced = ops.compute.div(x, scale);
    Enclosed rounded = reduced;
    if (reduced.radius < precision::infinity()) {
      const double below = element(precision::lower(reduced)), above = element(precision::upper(reduced));
      rounded = below == above || below != below ? Enclosed(below) : precision::hull(Enclosed(below), Enclosed(above));
    }
    data.set(c, ops.compute.mul(rounded, scale));
  }
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::rows
