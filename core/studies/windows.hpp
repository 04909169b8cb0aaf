// SPDX-License-Identifier: Apache-2.0
// One window that starts at its gate and kv: softmax, pool and their gradients in a recipe, many cases side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/tape.hpp"
#include "core/io/json.hpp"

namespace ulpscope::studies {

/// Slots that hold no token in front of those that do: a first window with overlap has as many as it has tokens.
enum class Front : std::uint8_t { none, pads };

/// A case is a channel: nothing that a window computes before the norm mixes channels.
struct WindowSpec {
  std::size_t tokens = 4;
  std::size_t channels = 1;
  Front front = Front::pads;
  std::vector<double> gate;       ///< [tokens, channels]
  std::vector<double> kv;         ///< [tokens, channels]; empty: zeros
  std::vector<double> ape;        ///< [slots, channels], pads' slots first; empty: zeros
  std::vector<double> cotangent;  ///< [channels], of `pooled`; empty: ones

  std::size_t slots() const { return front == Front::pads ? 2 * tokens : tokens; }
};

/// Where a run starts: a problem, and the slots that are given (none of them: a whole run).
struct Start {
  compressor::Problem problem;
  compressor::Tape given;
};

/// The window as a problem without norm and RoPE (`output` is `pooled`), its gate and kv given.
Start start_of(const WindowSpec& spec);
/// The same with an attention mask that leaves no token: a recipe with `mask: pad` sees pads only.
Start all_masked(Start start);
/// The given slots rounded to the formats that the recipe stores them in.
Start rounded(Start start, const compressor::Recipe& recipe);
/// Every slot and gradient; what is given stays.
compressor::Tape run(const Start& start, const compressor::Recipe& recipe);

/// `base` with an overlay of a recipe's fields: {"softmax": "naive", "stages": {"softmax": {"exp": "cuda"}}}.
compressor::Recipe variant(const compressor::Recipe& base, const io::Json& overlay);

/// A slot that a run has written, or was given.
const compressor::Tensor& tensor_in(const compressor::Tape& tape, compressor::Slot slot);

/// fp64 with the recipe's pipeline, pads, masks, segments and remainder: what its runs are judged by, whatever the
/// formula of its softmax.
compressor::Recipe exact_recipe(const compressor::Recipe& recipe, const compressor::Config& config);

}  // namespace ulpscope::studies
