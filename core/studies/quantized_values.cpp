// SPDX-License-Identifier: Apache-2.0
// Quantising given values, and counting what became of them.
#include "core/studies/quantized_values.hpp"

#include <cmath>

namespace ulpscope::studies {

using compressor::Tensor;

Tensor run_step(const compressor::Problem& problem, const compressor::Recipe& recipe, Step step, Tensor given) {
  compressor::Tape tape;
  tape.set(compressor::forward(step.from), std::move(given), precision::parse_format("fp64"));
  const compressor::Slot wanted = compressor::forward(step.to);
  return run_from(problem, recipe, {tape, {wanted}}, {}).tape.find(wanted)->tensor;
}

QuantizedValues compare_quantized(const Tensor& quantized, const Tensor& native, const Tensor& exact,
                                  std::size_t left_out) {
  QuantizedValues counts;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    if (left_out != 0 && i % left_out == 0) continue;
    const double x = quantized.at(i);
    ++counts.values;
    counts.error += std::pow(x - exact.at(i), 2);
    counts.norm += std::pow(exact.at(i), 2);
    counts.changed += x == native.at(i) ? 0 : 1;
    counts.zeroed += x == 0 && exact.at(i) != 0 ? 1 : 0;
    counts.nonfinite += std::isfinite(x) ? 0 : 1;
  }
  return counts;
}

}  // namespace ulpscope::studies
