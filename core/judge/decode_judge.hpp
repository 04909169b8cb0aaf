// SPDX-License-Identifier: Apache-2.0
// Decoding in chunks: entries.KK and state.* of a dump against the recipe's own chunked run. Internal to core/judge.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/judge/compare.hpp"
#include "core/judge/slot_judge.hpp"

namespace ulpscope::judge {

struct Decoding {
  const compressor::Problem& problem;  ///< judged
  const Dump& dump;
  const Truth& truth;
  const compressor::Recipe* recipe;  ///< null: none is claimed
  const Replayer* replayer;          ///< null with it
};

struct DecodedRows {
  std::vector<Row> rows;  ///< in the order of the tensors' names
  std::optional<Verdict> verdict;
  std::vector<std::string> notes;  ///< which tensors are not judged, and why
  std::size_t judged = 0;
};

/// entries.KK holds the first rows of the output, state.* the last rows of kv and gate. Each is judged as that slot is
/// (its replay, its freedom of sums), with the bits of the recipe's run over the dump's `chunks` as the value; under a
/// tolerance against the truth's rows. Throws InputError where `chunks` is no list of token counts.
DecodedRows decoded_rows(const Decoding& decoding, const CompareOptions& options, const Bench& bench);

}  // namespace ulpscope::judge
