// SPDX-License-Identifier: Apache-2.0
// Matrix products that are exact by certificate, or enclosed: exact_dot.md.
#pragma once

#include <cstddef>

#include "precision/dot_operand.hpp"

namespace ulpscope::precision {

/// Element (m, n) of the result is at [m * row_step + n * column_step] of each array.
struct DotResult {
  double* high = nullptr;
  double* low = nullptr;
  double* radius = nullptr;
  std::size_t row_step = 0;
  std::size_t column_step = 1;
  bool continued = false;  ///< what the arrays hold is added, its radius included
};

/// How many elements of the result took which road: the best that was open to each.
struct DotRoads {
  std::size_t certified = 0;    ///< one window of either operand: one dgemm, every partial sum exact
  std::size_t sliced = 0;       ///< several windows, each pair exact
  std::size_t compensated = 0;  ///< a compensated sum with a bound
  std::size_t scalar = 0;       ///< element by element in an exact accumulator
  std::size_t nonfinite = 0;    ///< classes: NaN and infinities
  std::size_t residuals = 0;    ///< numbers, not elements: what was multiplied one by one
  bool operator==(const DotRoads&) const = default;
};

/// result[m,n] = sum over k of a[m,k] b[n,k] (+ result), as high + low and a radius: the exact value lies within radius
/// of high + low, |low| <= ulp(high) / 2. At most one operand is enclosed. The same bits for any ranges.
///
/// - Both operands exact, certified or sliced: radius 0 wherever the sum is high + low and stayed so while windows and
///   residuals were joined (few elements of a row that did not are computed again, exactly).
/// - Any NaN or infinity among the operands or the initial sum: IEEE's class of the sum, whatever its order, in `high`;
///   low and radius 0. Where an infinity meets an enclosure that holds zero and more, the class is not known: high NaN,
///   radius infinite. An infinite radius at a finite midpoint is no infinity: it makes radii infinite.
/// - A finite sum beyond the largest double: high is that double with its sign, radius infinite.
///
/// Throws std::invalid_argument where depths differ or both operands are enclosed.
DotRoads exact_dot(const DotOperand& a, const DotOperand& b, const DotResult& result, const DotSettings& settings = {});

}  // namespace ulpscope::precision
