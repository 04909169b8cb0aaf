// SPDX-License-Identifier: Apache-2.0
// The oracle: an independent fp64 compressor, forward and VJP, in xtensor expressions that read like the formulas.
//
// It shares data types with core, and no stage code: the two are checks of each other. Formulas stand above their
// blocks; S1 .. S9 are the stages of the token compressor [DeepSeekV4]:
//   S1 project  S2 bias  S3 window  S4 softmax  S5 pool  S6 norm  S7 rotate  S8 hadamard  S9 quantize
#pragma once

#include <limits>
#include <optional>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/tape.hpp"

namespace ulpscope::reference {

/// What an implementation may choose in exact arithmetic.
struct OracleOptions {
  /// In the logits (bias_first) or the padded gate (pad_first) of a slot without a token. -inf excludes the slot
  /// exactly, except where every slot of a row is a pad: then the row is NaN, forward and backward, as IEEE arithmetic
  /// gives.
  double gate_pad = -std::numeric_limits<double>::infinity();
  double kv_pad = 0;
  compressor::Pipeline pipeline = compressor::Pipeline::bias_first;
  compressor::MaskPolicy mask = compressor::MaskPolicy::ignore;
  compressor::SegmentPolicy segments = compressor::SegmentPolicy::ignore;
  double loss_scale = 1;
  /// Least amax of a quantised block. Absent: 6 * 2^-126 for e2m1, 1e-4 for other formats (DeepSeek's kernels).
  std::optional<double> amax_floor;
};

/// Every forward slot that the config has and every gradient, in fp64. Slots that config, pipeline or options leave out
/// are absent with a reason. Tokens after the last whole window are truncated: their gradients are exactly 0.
/// Precondition: inputs have the shapes of the config (std::invalid_argument where a rank is wrong).
compressor::Tape oracle(const compressor::Problem& problem, const OracleOptions& options);

}  // namespace ulpscope::reference
