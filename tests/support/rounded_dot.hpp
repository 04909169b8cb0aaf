// SPDX-License-Identifier: Apache-2.0
// A dot product by the definition: every product and every partial sum rounded to a format, in order.
#pragma once

#include <cstddef>

#include "precision/rounding.hpp"

namespace ulpscope::test {

/// sum_k a(k) b(k) over k in [0, depth).
template <class F, class G>
double rounded_dot(const precision::Format& format, std::size_t depth, F a, G b) {
  double sum = 0;
  for (std::size_t k = 0; k < depth; ++k) {
    const double product = precision::round(static_cast<double>(a(k)) * static_cast<double>(b(k)), format);
    sum = precision::round(sum + product, format);
  }
  return sum;
}

}  // namespace ulpscope::test
