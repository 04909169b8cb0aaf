// SPDX-License-Identifier: Apache-2.0
// Truth: what a run is judged against, and which recipe computes it.
#pragma once

#include <string>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/tape.hpp"
#include "core/judge/exact.hpp"
#include "core/judge/report.hpp"

namespace ulpscope::judge {

/// Slot -> value, how far it can be trusted, and the recipe that computed it.
struct Truth {
  TruthInfo info;
  compressor::Recipe recipe;
  compressor::Tape tape;
  Enclosures enclosures = {};  ///< of the same slots; empty: the tier has no radii
};

/// What `recipe` (of truth_recipe) computes on a problem, every slot and gradient, by a tier's engine. An element that
/// the tier cannot bound is 0 on the tape where it is known to be finite, NaN where it is not, with an infinite radius.
Truth truth_by(const Exact& exact, const compressor::Problem& problem, const compressor::Recipe& recipe,
               unsigned threads);

/// The recipe whose run is the truth of `recipe`: fp64 arithmetic with that recipe's pipeline, omitted stages, pads and
/// policies. Basis quantized: inputs and pads rounded as the recipe rounds them; given: as they stand.
compressor::Recipe truth_recipe(const compressor::Recipe& recipe, const compressor::Config& config, Basis basis);
/// Without a recipe: bias_first, pads -inf, inputs as given.
compressor::Recipe plain_truth_recipe();

}  // namespace ulpscope::judge
