// SPDX-License-Identifier: Apache-2.0
// A run beside the same recipe without the pads, and beside fp64 without them.
#include "core/studies/pad_figures.hpp"

#include <algorithm>
#include <cmath>

#include "core/compressor/evaluate.hpp"
#include "core/studies/pad_outcome.hpp"

namespace ulpscope::studies {
namespace {

using compressor::Name;

/// Of the numbers that are not 0; a given problem may hold others elsewhere than beside its pads.
double root_mean_square(const compressor::Tensor& tensor) {
  double squares = 0;
  std::size_t count = 0;
  for (std::size_t i = 0; i < tensor.size(); ++i) {
    if (tensor.at(i) == 0 || !std::isfinite(tensor.at(i))) continue;
    squares += tensor.at(i) * tensor.at(i);
    ++count;
  }
  return count == 0 ? 1 : std::sqrt(squares / static_cast<double>(count));
}

}  // namespace

io::Json pad_figures(const Start& start, const compressor::Recipe& recipe) {
  const compressor::Config config = compressor::effective_config(start.problem.config, recipe);
  const auto padded = compressor::padded_slots(start.problem, config, recipe);
  if (std::find(padded.begin(), padded.end(), 1) == padded.end())
    return {{"skipped", "no slot of the problem is a pad"}};
  io::Json left_out{{"pad", {{"gate", "exclude"}, {"kv", "0"}}}, {"mask", "pad"}};
  const compressor::Tape tape = run(start, recipe);
  const compressor::Tape truth_tape = run(start, variant(exact_recipe(recipe, start.problem.config), left_out));
  // Where nothing is left: 0, and not 0/0.
  if (recipe.softmax == compressor::Softmax::online) left_out["softmax"] = "online_guarded";
  const compressor::Tape excluded_tape = run(start, variant(recipe, left_out));
  const PaddedRun computed(tape, config, padded);
  const PaddedRun truth(truth_tape, config, padded);
  const double kv = root_mean_square(tensor_in(truth_tape, forward(Name::kv)));
  const double slope = kv * root_mean_square(tensor_in(truth_tape, gradient(Name::pooled)));
  return {{"forward", computed.forward_class()},
          {"gradient", computed.gradient_class()},
          {"pad_mass", io::number(computed.pad_mass())},
          {"leak", io::number(computed.distance({excluded_tape, config, padded}, forward(Name::pooled)) / kv)},
          {"error", io::number(computed.distance(truth, forward(Name::pooled)) / kv)},
          {"gradient_error", io::number(computed.distance(truth, gradient(Name::logits)) / slope)}};
}

}  // namespace ulpscope::studies
