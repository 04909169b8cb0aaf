// SPDX-License-Identifier: Apache-2.0
// Vectors of doubles.
#include "core/studies/vectors.hpp"

#include <cmath>

#include "core/compressor/random.hpp"

namespace ulpscope::studies {

double norm_of(const std::vector<double>& x) {
  double squares = 0;
  for (const double value : x) squares += value * value;
  return std::sqrt(squares);
}

double distance(const compressor::Tensor& a, const compressor::Tensor& b) {
  std::vector<double> difference = to_doubles(a);
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= b.at(i);
  return norm_of(difference);
}

std::vector<double> normals(std::size_t count, std::uint64_t seed, std::uint32_t stream) {
  std::vector<float> drawn(count);
  compressor::normal(compressor::fold_in(compressor::key(seed), stream), 0, drawn);
  return {drawn.begin(), drawn.end()};
}

std::vector<double> times(std::vector<double> x, double factor) {
  for (double& value : x) value *= factor;
  return x;
}

std::vector<double> turned(std::vector<double> x, double amount, const std::vector<double>& noise,
                           std::size_t channels) {
  if (channels < 2) return x;  // a number has no direction to turn to
  for (std::size_t first = 0; first < x.size(); first += channels) {
    double along = 0;
    double square = 0;
    for (std::size_t c = first; c < first + channels; ++c) {
      along += noise[c] * x[c];
      square += x[c] * x[c];
    }
    const double share = square == 0 ? 0 : along / square;
    double aside = 0;
    for (std::size_t c = first; c < first + channels; ++c) aside += std::pow(noise[c] - share * x[c], 2);
    const double size = aside == 0 ? 0 : amount * std::sqrt(square / aside);
    for (std::size_t c = first; c < first + channels; ++c) x[c] += size * (noise[c] - share * x[c]);
  }
  return x;
}

}  // namespace ulpscope::studies
