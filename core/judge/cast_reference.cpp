// SPDX-License-Identifier: Apache-2.0
// The engine in fp64 with an override in each slot.
#include "core/judge/cast_reference.hpp"

#include <algorithm>

#include "core/compressor/run.hpp"
#include "core/judge/attribution.hpp"
#include "precision/round_array.hpp"

namespace ulpscope::judge {
namespace {

/// Rounds in place; which elements changed (NaNs do not), nothing where none did.
std::vector<std::uint8_t> round_all(compressor::Tensor& tensor, precision::Format format) {
  if (format.mode == precision::RoundingMode::stochastic) format.mode = precision::RoundingMode::nearest_even;
  const std::vector<double> exact = compressor::to_doubles(tensor);
  std::vector<double> rounded(exact.size());
  precision::round_array(exact, rounded, format);
  std::vector<std::uint8_t> changed(exact.size());
  for (std::size_t i = 0; i < exact.size(); ++i) changed[i] = rounded[i] < exact[i] || rounded[i] > exact[i];
  tensor.data = std::move(rounded);
  if (std::find(changed.begin(), changed.end(), 1) == changed.end()) changed.clear();
  return changed;
}

}  // namespace

CastReference cast_reference(const compressor::Problem& problem, const compressor::Recipe& recipe, unsigned threads,
                             compressor::Gradients gradients) {
  const compressor::Recipe exact = suffix_recipe(recipe, problem.config);
  CastReference reference;
  compressor::RunOptions options;
  options.threads = threads;
  options.gradients = gradients;
  for (const compressor::Slot slot : compressor::program_order(problem, exact)) {
    if (gradients == compressor::Gradients::none && slot.direction == compressor::Direction::backward) break;
    const precision::Format format = compressor::storage_format(slot, recipe, problem.config);
    if (precision::is_plain_fp64(format)) continue;
    options.overrides[slot] = [slot, format, &reference](compressor::Tensor& tensor) {
      auto changed = round_all(tensor, format);
      if (!changed.empty()) reference.changed[slot] = std::move(changed);
    };
  }
  reference.tape = compressor::run_traced(problem, exact, options).tape;
  return reference;
}

}  // namespace ulpscope::judge
