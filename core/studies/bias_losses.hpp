// SPDX-License-Identifier: Apache-2.0
// What rounding leaves of the position bias in the logits: a run beside its truth.
#pragma once

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"

namespace ulpscope::studies {

/// What became of the bias on every token slot of the windows whose true logit is a number: NaN where there is none.
struct BiasLosses {
  double lost = 0;   ///< fraction of slots whose logit is the gate although the bias is not 0
  double error = 0;  ///< root mean square of (logit - true gate) - bias, of the bias's
};

/// What `run` was computed from.
struct BiasedRun {
  const compressor::Problem& problem;
  const compressor::Recipe& recipe;
};
BiasLosses bias_losses(const BiasedRun& of, const compressor::Tape& run, const compressor::Tape& truth);

}  // namespace ulpscope::studies
