// SPDX-License-Identifier: Apache-2.0
// Block-scaled quantise-dequantise of an entry's channels; the VJP is straight-through. See quantize.md.
#pragma once

#include <cmath>

#include "core/compressor/rows/rows.hpp"

namespace ulpscope::compressor::rows {
inline namespace ULPSCOPE_LEVEL {

/// How a block's scale is chosen and its elements are rounded; `largest` is the format's largest finite value.
struct BlockRule {
  ScaleRule scale = ScaleRule::pow2_ceil;
  FloorOf floor_of = FloorOf::amax;
  Ties ties = Ties::even;
  double floor = 0;
  double largest = 0;
};

template <class T>
ULPSCOPE_HD double as_double(const T& x) {
  if constexpr (requires { x.value; }) {
    return as_double(x.value);
  } else {
    return static_cast<double>(x);
  }
}

/// 2^ceil(log2(amax / largest)), exactly: the smallest power of two with largest * scale >= amax. Or amax / largest.
ULPSCOPE_HD inline double block_scale(const BlockRule& rule, double amax) {
  if (std::isnan(amax)) return amax;
  const double bounded = rule.floor_of == FloorOf::amax ? std::fmax(amax, rule.floor) : amax;
  double scale = bounded / rule.largest;
  if (rule.scale == ScaleRule::pow2_ceil && scale > 0 && std::isfinite(scale)) {
    int exponent = 0;
    std::frexp(scale, &exponent);
    scale = std::ldexp(1.0, exponent);
    while (rule.largest * (scale / 2) >= bounded) scale /= 2;
  }
  return rule.floor_of == FloorOf::scale ? std::fmax(scale, rule.floor) : scale;
}

/// x_c <- scale * element(x_c / scale); `element` rounds a double to the element format. A NaN poisons its block.
template <class A, class Element>
ULPSCOPE_HD void quantize_block(const Ops<A>& ops, const BlockRule& rule, int channels, Element element, Rows<A> data) {
  double amax = 0;
  for (int c = 0; c < channels; ++c) {
    const double magnitude = std::fabs(as_double(data[c]));
    if (!std::isnan(amax) && !(magnitude <= amax)) amax = magnitude;
  }
  const double scale = block_scale(rule, amax);
  const typename A::value_type factor = ops.compute.from(scale);
  for (int c = 0; c < channels; ++c) {
    const typename A::value_type reduced = ops.compute.div(data[c], factor);
    const typename A::value_type quantized = A::constant(element(as_double(reduced)));
    data.set(c, ops.storage.round(ops.compute.mul(quantized, factor)));
  }
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::rows
