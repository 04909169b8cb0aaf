// SPDX-License-Identifier: Apache-2.0
// Decode: the same tokens fed in chunks, with the rows of unfinished windows kept as state, as a serving engine does.
#pragma once

#include <vector>

#include "core/compressor/run.hpp"

namespace ulpscope::compressor {

struct Decoded {
  std::vector<Tensor> entries;  ///< after chunk k: all entries so far, [B, entries, d]
  Tensor state_kv;              ///< raw rows of the unfinished window, [B, k, c*d]
  Tensor state_gate;
  precision::Format entry_format;
  precision::Format kv_format;
  precision::Format gate_format;
};

/// Forward only; `chunks` are token counts that add up to seq. The previous window's raw rows stand in for
/// prior_kv and prior_gate, and RoPE positions go on. Bits equal the single shot's for every order of summation but
/// blas. Throws InputError: a sum other than seq, a seq that is not whole windows where the recipe's `remainder` is
/// error, masks or segments (whose windows would need tokens of the past).
Decoded run_chunks(const Problem& problem, const Recipe& recipe, const std::vector<std::size_t>& chunks,
                   const RunOptions& options);

}  // namespace ulpscope::compressor
