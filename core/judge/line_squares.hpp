// SPDX-License-Identifier: Apache-2.0
// Sums of squares along the rows and columns of a matrix, bounds of them, by one pass. Internal to core/judge.
#pragma once

#include <cstddef>
#include <vector>

#include "core/compressor/tape.hpp"

namespace ulpscope::judge {

/// At least the exact sums, and at most 1.02 times as much and what the carrier's underflow loses; infinite or NaN
/// where something is not finite, or its square is out of the carrier's range.
struct LineSquares {
  std::vector<double> rows;
  std::vector<double> columns;
};

/// Of a tensor as a matrix of rows of `width`; for any number of threads the same.
LineSquares line_squares(const compressor::Tensor& tensor, std::size_t width, unsigned threads);

}  // namespace ulpscope::judge
