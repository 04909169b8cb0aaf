// SPDX-License-Identifier: Apache-2.0
// How far apart two tensors are: in norm, and in bits. A NaN passes no bound.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/compressor/tape.hpp"

namespace ulpscope::test {

/// ||a - b|| / ||b||, equal infinities being no error; 0 where nothing differs; infinite where shapes do; NaN where
/// either holds one: compare by !(error <= bound).
inline double relative_error(const compressor::Tensor& a, const compressor::Tensor& b) {
  if (a.shape != b.shape) return std::numeric_limits<double>::infinity();
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double difference = a.at(i) == b.at(i) ? 0 : a.at(i) - b.at(i);
    error += difference * difference;
    if (std::isfinite(b.at(i))) norm += b.at(i) * b.at(i);
  }
  return error == 0 ? 0 : std::sqrt(error / norm);
}

/// The same bits: +0 is not -0; every NaN is one value (payloads are no part of a result).
inline bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) || (std::isnan(a) && std::isnan(b));
}

/// Fraction of elements with the same bits; 0 for an empty tensor or another shape.
inline double fraction_equal(const compressor::Tensor& a, const compressor::Tensor& b) {
  if (a.shape != b.shape || b.size() == 0) return 0;
  std::size_t equal = 0;
  for (std::size_t i = 0; i < b.size(); ++i) equal += same_bits(a.at(i), b.at(i)) ? 1 : 0;
  return static_cast<double>(equal) / static_cast<double>(b.size());
}

}  // namespace ulpscope::test
