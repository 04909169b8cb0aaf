// SPDX-License-Identifier: Apache-2.0
// Counting weights of 0, their mass and their gradients.
#include "core/studies/underflow_losses.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/studies/windows.hpp"

namespace ulpscope::studies {
namespace {

using compressor::Name;
using compressor::Tensor;

void count_weights(const Tensor& computed, const Tensor& exact, double threshold, Losses& out) {
  const std::size_t slots = computed.shape[2];
  const std::size_t channels = computed.shape[3];
  std::vector<double> mass(computed.size() / slots, 0.0);
  double count = 0;
  for (std::size_t i = 0; i < computed.size(); ++i) {
    out.nan += std::isfinite(computed.at(i)) ? 0 : 1;
    if (!(exact.at(i) > 0)) continue;  // a NaN of the truth is no weight that should not be 0
    ++count;
    out.predicted += exact.at(i) <= threshold ? 1 : 0;
    if (computed.at(i) != 0) continue;
    ++out.zeroed;
    mass[i / (slots * channels) * channels + i % channels] += exact.at(i);
  }
  out.nan /= static_cast<double>(computed.size());
  if (count == 0) return;
  out.zeroed /= count;
  out.predicted /= count;
  out.mass = *std::max_element(mass.begin(), mass.end());
}

double gradient_lost(const Tensor& computed, const Tensor& exact) {
  double all = 0;
  double lost = 0;
  for (std::size_t i = 0; i < computed.size(); ++i) {
    if (!std::isfinite(exact.at(i))) continue;
    all += std::abs(exact.at(i));
    lost += computed.at(i) == 0 ? std::abs(exact.at(i)) : 0;
  }
  return all == 0 ? 0 : lost / all;
}

double smallest(const Tensor& tensor) {
  double least = std::nan("");
  for (std::size_t i = 0; i < tensor.size(); ++i) {
    if (!(tensor.at(i) >= least)) least = std::isnan(tensor.at(i)) ? least : tensor.at(i);
  }
  return least;
}

}  // namespace

Losses losses(const compressor::Tape& run, const compressor::Tape& truth, double threshold) {
  Losses out;
  count_weights(tensor_in(run, forward(Name::weights)), tensor_in(truth, forward(Name::weights)), threshold, out);
  out.gradient = gradient_lost(tensor_in(run, gradient(Name::logits)), tensor_in(truth, gradient(Name::logits)));
  out.denominator = smallest(tensor_in(run, forward(Name::denominator)));
  return out;
}

}  // namespace ulpscope::studies
