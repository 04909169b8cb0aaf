// SPDX-License-Identifier: Apache-2.0
// Invariants: what holds exactly in exact arithmetic, whatever the inputs; the residual measures the run's own error.
#pragma once

#include <set>
#include <vector>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/tape.hpp"
#include "core/judge/report.hpp"

namespace ulpscope::judge {

/// NaN and infinities that are no fault: those that the truth has at the same place, and those in a slot that the
/// recipe explains from the dump's own inputs.
struct Excuses {
  const compressor::Tape* truth = nullptr;
  std::set<compressor::Slot> explained;
};

/// Residuals of the invariants whose slots the tape holds; each relative to the sum of the absolute values of its
/// terms, of the window and channel that comes nearest to its bound (or exceeds it most). Bounds come from the formats
/// in which the slots are computed and stored, and from the values themselves where the formats leave it to them. Not
/// judged are: sums with an excused element, or with a value that a format clamps, and windows without a token; where
/// nothing is left, or the formats allow any value, the invariant is skipped.
///   softmax_sums_to_one   sum_r w = 1
///   logit_gradients_cancel  sum_r grad.logits = 0
///   value_gradients_sum   sum_r grad.values = grad.pooled
///   ape_gauge             sum_j grad.ape = 0 per channel (pads -inf, no mask)
///   pooled_is_convex      min_r values <= pooled <= max_r values
///   radial_gradient       sum_ch pooled * grad.pooled = eps term, near 0
std::vector<Invariant> check_invariants(const compressor::Tape& tape, const compressor::Problem& problem,
                                        const compressor::Recipe& recipe, const Excuses& excuses = {});

}  // namespace ulpscope::judge
