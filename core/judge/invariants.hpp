// SPDX-License-Identifier: Apache-2.0
// Invariants: what holds exactly in exact arithmetic, whatever the inputs; the residual measures the run's own error.
#pragma once

#include <vector>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/tape.hpp"
#include "core/judge/report.hpp"

namespace ulpscope::judge {

/// Residuals of the invariants whose slots the tape holds; each relative to the sum of the absolute values of its
/// terms, the largest over all windows and channels. Bounds come from the formats in which the slots are computed and
/// stored.
///   softmax_sums_to_one   sum_r w = 1
///   logit_gradients_cancel  sum_r grad.logits = 0
///   value_gradients_sum   sum_r grad.values = grad.pooled
///   ape_gauge             sum_j grad.ape = 0 per channel (pads -inf, no mask)
///   pooled_is_convex      min_r values <= pooled <= max_r values
///   radial_gradient       sum_ch pooled * grad.pooled = eps term, near 0
std::vector<Invariant> check_invariants(const compressor::Tape& tape, const compressor::Problem& problem,
                                        const compressor::Recipe& recipe);

}  // namespace ulpscope::judge
