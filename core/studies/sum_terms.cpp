// SPDX-License-Identifier: Apache-2.0
// Terms of sums: drawn, or a problem's products.
#include "core/studies/sum_terms.hpp"

#include <algorithm>
#include <cmath>

#include "core/studies/vectors.hpp"

namespace ulpscope::studies {
namespace {

constexpr std::size_t trials = 128;

/// equal: 2^-7 (1 + trial / 128), whose sums of up to 128 are bf16 numbers; ones; positive: |N(0, 1)|; normal: N(0, 1).
Terms built_in_terms(const Point& at, std::uint64_t seed, std::size_t trial) {
  const std::size_t length = at.count("length");
  const std::string& data = at.at("data");
  if (data == "ones") return Terms(length, 1.0);
  if (data == "equal") return Terms(length, std::ldexp(1.0 + static_cast<double>(trial) / 128, -7));
  Terms terms = normals(length, seed, static_cast<std::uint32_t>(trial));
  if (data == "positive")
    std::transform(terms.begin(), terms.end(), terms.begin(), [](double x) { return std::abs(x); });
  return terms;
}

/// The products w v of the problem's windows in fp64, a window and a channel for each trial.
std::vector<Terms> products_of(const compressor::Tape& truth) {
  const auto& products = truth.find(compressor::forward(compressor::Name::products))->tensor;
  const std::size_t length = products.shape[2];
  const std::size_t channels = products.shape[3];
  const std::size_t rows = products.shape[0] * products.shape[1] * channels;
  std::vector<Terms> sums;
  for (std::size_t trial = 0; trial < std::min(trials, rows); ++trial) {
    const std::size_t row = rows * trial / std::min(trials, rows);
    Terms terms;
    for (std::size_t r = 0; r < length; ++r)
      terms.push_back(products.at((row / channels * length + r) * channels + row % channels));
    sums.push_back(std::move(terms));
  }
  return sums;
}

}  // namespace

std::vector<Terms> terms_of(const Point& at, const Subject& subject) {
  if (subject.problem != nullptr) return products_of(*subject.truth);
  std::vector<Terms> sums;
  for (std::size_t trial = 0; trial < trials; ++trial) sums.push_back(built_in_terms(at, subject.seed, trial));
  return sums;
}

}  // namespace ulpscope::studies
