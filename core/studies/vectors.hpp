// SPDX-License-Identifier: Apache-2.0
// Vectors of doubles: norms, draws, and changes of length and of direction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/compressor/tape.hpp"

namespace ulpscope::studies {

double norm_of(const std::vector<double>& x);
/// ||a - b||
double distance(const compressor::Tensor& a, const compressor::Tensor& b);
/// Standard normal draws: a stream of a seed.
std::vector<double> normals(std::size_t count, std::uint64_t seed, std::uint32_t stream);
std::vector<double> times(std::vector<double> x, double factor);
/// x, rows of `channels`, each turned by the angle `amount` (small): noise at right angles to it, of so much of its
/// size. A row of 0, or of one channel, stays.
std::vector<double> turned(std::vector<double> x, double amount, const std::vector<double>& noise,
                           std::size_t channels);

}  // namespace ulpscope::studies
