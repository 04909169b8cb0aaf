// SPDX-License-Identifier: Apache-2.0
// Rotation and its tables by their formulas.
#include "reference/rope.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ulpscope::reference {
namespace {

using compressor::Rope;
using compressor::Yarn;

/// The (real) pair index whose wave turns `turns` times within `original` positions [Peng23, YaRN, section 3.2]:
///   original * theta^(-2k/dim) = 2 pi turns   =>   k = dim ln(original / (2 pi turns)) / (2 ln theta)
double pair_of_turns(const Rope& rope, double turns) {
  return static_cast<double>(rope.dim) * std::log(rope.yarn->original / (2 * std::numbers::pi * turns)) /
         (2 * std::log(rope.theta));
}

/// s_k: 1 for the fast pairs (kept), 0 for the slow ones (divided by factor), a linear ramp between.
double kept_share(const Rope& rope, double k) {
  const double last = static_cast<double>(rope.dim) - 1;
  const double low = std::max(std::floor(pair_of_turns(rope, rope.yarn->beta_fast)), 0.0);
  double high = std::min(std::ceil(pair_of_turns(rope, rope.yarn->beta_slow)), last);
  if (low == high) high += 0.001;
  return 1 - std::clamp((k - low) / (high - low), 0.0, 1.0);
}

}  // namespace

// w_k = theta^(-2k/dim);  YaRN: w'_k = (w_k / factor) (1 - s_k) + w_k s_k
Vector rope_frequencies(const Rope& rope) {
  auto frequencies = Vector::from_shape({rope.dim / 2});
  for (std::size_t pair = 0; pair < rope.dim / 2; ++pair) {
    const auto k = static_cast<double>(pair);
    const double w = std::pow(rope.theta, -2 * k / static_cast<double>(rope.dim));
    const double s = rope.yarn ? kept_share(rope, k) : 1.0;
    frequencies(pair) = rope.yarn ? w / rope.yarn->factor * (1 - s) + w * s : w;
  }
  return frequencies;
}

RopeTable rope_table(const std::vector<double>& positions, const Vector& frequencies) {
  RopeTable table{Matrix::from_shape({positions.size(), frequencies.size()}),
                  Matrix::from_shape({positions.size(), frequencies.size()})};
  for (std::size_t i = 0; i < positions.size(); ++i) {
    for (std::size_t k = 0; k < frequencies.size(); ++k) {
      const long double angle = static_cast<long double>(positions[i]) * static_cast<long double>(frequencies(k));
      table.cos(i, k) = static_cast<double>(std::cos(angle));
      table.sin(i, k) = static_cast<double>(std::sin(angle));
    }
  }
  return table;
}

std::vector<double> entry_positions(const compressor::Config& config) {
  std::vector<double> positions(config.windows());
  for (std::size_t i = 0; i < positions.size(); ++i) {
    positions[i] = static_cast<double>(config.rope->position_offset) + static_cast<double>(i * config.ratio);
  }
  return positions;
}

// (x_2k, x_2k+1) -> (x_2k cos - x_2k+1 sin, x_2k sin + x_2k+1 cos)
Entries rotate(const Entries& x, const Matrix& cos, const Matrix& sin) {
  const std::size_t d = x.shape(2);
  const std::size_t first = d - 2 * cos.shape(1);
  auto even = xt::range(first, d, std::size_t{2});
  auto odd = xt::range(first + 1, d, std::size_t{2});
  const Entries x0 = xt::view(x, xt::all(), xt::all(), even);
  const Entries x1 = xt::view(x, xt::all(), xt::all(), odd);
  Entries y = x;
  xt::view(y, xt::all(), xt::all(), even) = x0 * cos - x1 * sin;
  xt::view(y, xt::all(), xt::all(), odd) = x0 * sin + x1 * cos;
  return y;
}

}  // namespace ulpscope::reference
