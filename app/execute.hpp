// SPDX-License-Identifier: Apache-2.0
// Execute: a recipe on a problem, both in memory; and the file that the result would be.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "core/compressor/decode.hpp"
#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/run.hpp"
#include "core/io/tensor.hpp"

namespace ulpscope::app {

struct ExecuteOptions {
  std::string backend = "traced";
  compressor::Gradients gradients = compressor::Gradients::all;
  std::vector<std::size_t> chunks;  ///< tokens per decoding call; empty: one shot
  unsigned threads = 1;
  std::string mutant = {};  ///< of judge::mutants(), planted in the run; empty: none
};

/// Slots; or, where it was run in chunks, entries and state.
using Executed = std::variant<compressor::Run, compressor::Decoded>;

/// Throws InputError: an unknown backend or mutant, chunks that do not fit, what the engine refuses.
Executed execute(const compressor::Problem& problem, const compressor::Recipe& recipe, const ExecuteOptions& options);

/// Who made a result, for the metadata of its file.
struct Maker {
  const compressor::Problem& problem;
  const compressor::Recipe& recipe;
  const std::vector<std::size_t>& chunks;
  std::string mutant = {};  ///< planted; empty: none
};
/// What the verb `run` writes.
io::TensorFile dump_of(const Executed& executed, const Maker& maker);

}  // namespace ulpscope::app
