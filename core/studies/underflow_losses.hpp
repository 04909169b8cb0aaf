// SPDX-License-Identifier: Apache-2.0
// What weights of 0 take with them: a run beside its truth.
#pragma once

#include "core/compressor/tape.hpp"

namespace ulpscope::studies {

struct Losses {
  double zeroed = 0;       ///< of the weights whose truth is not 0: the fraction that is 0
  double predicted = 0;    ///< the fraction whose truth is at most the threshold
  double nan = 0;          ///< the fraction that is no number
  double mass = 0;         ///< the largest sum of a row's truths whose weight is 0
  double gradient = 0;     ///< of the sum of |grad.logits| where that is finite, the part that is 0 in the run
  double denominator = 0;  ///< the smallest; NaN where none is a number
};

/// `threshold`: what a weight of this size and all smaller ones should be rounded to 0 by theory.
Losses losses(const compressor::Tape& run, const compressor::Tape& truth, double threshold);

}  // namespace ulpscope::studies
