// SPDX-License-Identifier: Apache-2.0
// A document behind other tokens of its row, and its entries there against those that it has alone.
#pragma once

#include <cstddef>

#include "core/compressor/problem.hpp"

namespace ulpscope::studies {

/// A problem as a document alone: nothing stands before it, no mask, no segments.
compressor::Problem alone(compressor::Problem problem);
/// The document behind `shift` tokens (its own last ones, again and again), which are masked and of another segment.
compressor::Problem row_of(const compressor::Problem& document, std::size_t shift);

/// A slot [B,n,d] of a run and of its truth.
struct Entries {
  compressor::Tensor run;
  compressor::Tensor truth;
};

struct Placement {
  const compressor::Config& document;
  std::size_t shift = 0;
};

/// Entries of the document alone against those of the row with the same tokens. A difference is the largest over the
/// channels, of the entry's largest value; infinite where only one of the two is finite.
struct Comparison {
  std::size_t entries = 0;
  std::size_t matched = 0;        ///< those that have such a counterpart: all, or none
  std::size_t by_definition = 0;  ///< whose truths differ
  double definition = 0;          ///< the largest such difference
  std::size_t by_error = 0;       ///< whose truths agree and whose runs do not
  double error = 0;
};
Comparison compare(const Placement& placement, const Entries& own, const Entries& packed);

/// How many entries hold a NaN or an infinity.
std::size_t nonfinite_entries(const compressor::Tensor& entries, std::size_t channels);

}  // namespace ulpscope::studies
