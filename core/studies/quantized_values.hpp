// SPDX-License-Identifier: Apache-2.0
// What a quantiser made of its input, counted.
#pragma once

#include <cstddef>

#include "core/compressor/run.hpp"

namespace ulpscope::studies {

/// Which slot is computed from which.
struct Step {
  compressor::Name from;
  compressor::Name to;
};
/// What a recipe makes of one slot's values.
compressor::Tensor run_step(const compressor::Problem& problem, const compressor::Recipe& recipe, Step step,
                            compressor::Tensor given);

struct QuantizedValues {
  double error = 0;  ///< sum of squares of quantized - exact
  double norm = 0;   ///< of exact
  std::size_t values = 0;
  std::size_t changed = 0;  ///< other than `native`
  std::size_t zeroed = 0;
  std::size_t nonfinite = 0;
};
/// Over the elements whose index is no multiple of `left_out`; 0: over all.
QuantizedValues compare_quantized(const compressor::Tensor& quantized, const compressor::Tensor& native,
                                  const compressor::Tensor& exact, std::size_t left_out);

}  // namespace ulpscope::studies
