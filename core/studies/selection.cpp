// SPDX-License-Identifier: Apache-2.0
// Top-k of scores.
#include "core/studies/selection.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "core/compressor/random.hpp"

namespace ulpscope::studies {
namespace {

using compressor::Tensor;

/// The k entries of a batch row with the largest scores for a query.
std::vector<std::size_t> top_k(const std::vector<double>& scores, std::size_t k) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  order.resize(k);
  std::sort(order.begin(), order.end());
  return order;
}

std::vector<double> scores_of(const Tensor& entries, std::size_t row, const float* query) {
  const std::size_t n = entries.shape[1];
  const std::size_t d = entries.shape[2];
  std::vector<double> scores(n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t c = 0; c < d; ++c) scores[i] += entries.at((row * n + i) * d + c) * static_cast<double>(query[c]);
  }
  return scores;
}

}  // namespace

double selection_flips(const Tensor& run, const Tensor& truth, std::uint64_t seed) {
  constexpr std::size_t queries = 64;
  const std::size_t d = truth.shape[2];
  const std::size_t k = std::max<std::size_t>(1, truth.shape[1] / 4);
  std::vector<float> drawn(queries * d);
  compressor::normal(compressor::fold_in(compressor::key(seed), 9), 0, drawn);
  std::size_t lost = 0;
  for (std::size_t row = 0; row < truth.shape[0]; ++row) {
    for (std::size_t q = 0; q < queries; ++q) {
      const auto kept = top_k(scores_of(run, row, &drawn[q * d]), k);
      const auto due = top_k(scores_of(truth, row, &drawn[q * d]), k);
      std::vector<std::size_t> both;
      std::set_intersection(kept.begin(), kept.end(), due.begin(), due.end(), std::back_inserter(both));
      lost += k - both.size();
    }
  }
  return static_cast<double>(lost) / static_cast<double>(truth.shape[0] * queries * k);
}

}  // namespace ulpscope::studies
