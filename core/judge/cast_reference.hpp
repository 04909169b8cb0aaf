// SPDX-License-Identifier: Apache-2.0
// The run with a recipe's casts and nothing else: exact between, every slot rounded once to the recipe's storage.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/run.hpp"
#include "core/compressor/tape.hpp"

namespace ulpscope::judge {

struct CastReference {
  compressor::Tape tape;
  /// Which elements the cast changes, of slots where it changes any: not of copies.
  std::map<compressor::Slot, std::vector<std::uint8_t>> changed;
};

/// fp64 on the recipe's inputs and pads; each slot is rounded (to nearest where the recipe draws) before anything reads
/// it. What no implementation that keeps these casts can be blamed for.
CastReference cast_reference(const compressor::Problem& problem, const compressor::Recipe& recipe, unsigned threads,
                             compressor::Gradients gradients = compressor::Gradients::all);

}  // namespace ulpscope::judge
