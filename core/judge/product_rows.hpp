// SPDX-License-Identifier: Apache-2.0
// Rows of a matrix product by tokens, without the rest of it. Internal to core/judge.
#pragma once

#include <vector>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/run.hpp"
#include "core/compressor/tape.hpp"
#include "core/judge/index_ranges.hpp"

namespace ulpscope::judge {

/// A slot and what its stage reads: inputs from `problem`, other slots from `reads`.
struct SlotSource {
  compressor::Slot slot;
  const compressor::Problem& problem;
  const compressor::Recipe& recipe;
  const compressor::Tape& reads;
};

/// Whether every row of the slot comes from one token's row by matrix product: kv, gate, the branches of grad.hidden.
bool has_token_rows(compressor::Slot slot);

/// `whole`, a tensor of such a slot, with these rows of it computed anew by the recipe, one token each. Their bits are
/// the whole slot's unless stochastic rounding draws, which counts elements: then all rows are computed.
compressor::Tensor with_rows(const SlotSource& source, const compressor::Tensor& whole, const IndexRanges& rows,
                             const compressor::RunOptions& options);

/// A few elements of kv or gate, ascending: their sums in fp64, of the inputs as given, rounded to the format.
std::vector<double> projected(compressor::Name name, const IndexRanges& elements, const compressor::Problem& problem,
                              const precision::Format& format);

}  // namespace ulpscope::judge
