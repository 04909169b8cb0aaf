// SPDX-License-Identifier: Apache-2.0
// x^-1/2 and log of one value, evaluated above the target's precision and rounded to it; class numbers bring their own.
#pragma once

#include <cmath>

#include "core/compressor/rows/rows.hpp"

namespace ulpscope::compressor::rows {
inline namespace ULPSCOPE_LEVEL {

/// (x)^-1/2 in compute's format, from a double evaluation with one Newton step (error below 2^-52 before rounding).
template <class A>
ULPSCOPE_HD typename A::value_type inverse_sqrt(const A& compute, const typename A::value_type& x) {
  using T = typename A::scalar_type;
  if constexpr (std::is_floating_point_v<T>) {
    static_assert(A::lanes == 1);
    const double value = static_cast<double>(x);
    const double guess = 1.0 / std::sqrt(value);
    const double residual = std::fma(-value * guess, guess, 1.0);
    const double refined = std::isfinite(residual) ? guess + 0.5 * guess * residual : guess;
    return compute.round(static_cast<T>(refined));
  } else {
    return compute.div(A::constant(1.0), compute.sqrt(x));
  }
}

/// log x in compute's format, from the C library's double.
template <class A>
ULPSCOPE_HD typename A::value_type logarithm(const A& compute, const typename A::value_type& x) {
  using T = typename A::scalar_type;
  if constexpr (std::is_floating_point_v<T>) {
    typename A::value_type result = x;
    for (int i = 0; i < A::lanes; ++i) {
      precision::set_lane(result, i, static_cast<T>(std::log(static_cast<double>(precision::lane(x, i)))));
    }
    return compute.round(result);
  } else {
    return compute.log(x);
  }
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::rows
