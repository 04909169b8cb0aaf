// SPDX-License-Identifier: Apache-2.0
// Which slot of a window wins: rows of logits against the truth's.
#pragma once

#include <cstddef>

#include "core/compressor/tape.hpp"

namespace ulpscope::studies {

/// Rows (window and channel) of [B,n,L,d] logits in which the true winner lost, or shares the maximum. Rows whose true
/// logits hold a NaN have no winner and do not count.
struct Winners {
  std::size_t rows = 0;
  std::size_t flipped = 0;  ///< the true winner is below the maximum
  std::size_t tied = 0;     ///< several slots attain the maximum
  double margin = 0;        ///< largest true lead over the slot that won instead
};
Winners winners_of(const compressor::Tensor& run, const compressor::Tensor& truth);

}  // namespace ulpscope::studies
