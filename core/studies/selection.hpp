// SPDX-License-Identifier: Apache-2.0
// What an indexer would select: top-k of scores of entries for random queries.
#pragma once

#include <cstdint>

#include "core/compressor/tape.hpp"

namespace ulpscope::studies {

/// Fraction of the entries that 64 random queries per batch row select from `truth` [B,n,d] (the quarter with the
/// largest q . entry) and no more from `run`. Neither holds a NaN.
double selection_flips(const compressor::Tensor& run, const compressor::Tensor& truth, std::uint64_t seed);

}  // namespace ulpscope::studies
