// SPDX-License-Identifier: Apache-2.0
// Truth: what a run is judged against, and which recipe computes it.
#pragma once

#include <string>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/tape.hpp"
#include "core/judge/report.hpp"

namespace ulpscope::judge {

/// Slot -> value, how far it can be trusted, and the recipe that computed it.
struct Truth {
  TruthInfo info;
  compressor::Recipe recipe;
  compressor::Tape tape;
};

/// The recipe whose run is the truth of `recipe`: fp64 arithmetic with that recipe's pipeline, omitted stages, pads and
/// policies. Basis quantized: inputs and pads rounded as the recipe rounds them; given: as they stand.
compressor::Recipe truth_recipe(const compressor::Recipe& recipe, const compressor::Config& config, Basis basis);
/// Without a recipe: bias_first, pads -inf, inputs as given.
compressor::Recipe plain_truth_recipe();

}  // namespace ulpscope::judge
