// SPDX-License-Identifier: Apache-2.0
// Histograms of errors: of ulp distances (with quantiles), and of log2 |error| by log2 |truth|.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ulpscope::judge {

/// Counts of ulp distances: exact zeros, then eight bins per binade from 2^-12 to 2^64. Merging is exact and commutes.
class UlpHistogram {
 public:
  void add(double ulps) { ++counts_[bin_of(ulps)]; }
  void merge(const UlpHistogram& other);
  std::uint64_t total() const;

  /// The upper edge of the bin that holds the ceil(q * total)-th smallest distance, and at most `maximum`: never below
  /// the true quantile, above it by at most 1/8 of itself (or by 2^-12). NaN where nothing was counted.
  double quantile(double q, double maximum) const;

  /// One bin per binade: counts of [0], (0, 2^-12), [2^-12, 2^-11), ..., without the empty ones at the end.
  struct Coarse {
    std::vector<double> upper_edges;
    std::vector<std::uint64_t> counts;
  };
  Coarse coarse() const;

 private:
  static constexpr int lowest = -12;
  static constexpr int highest = 64;
  static constexpr int per_binade = 8;
  static constexpr std::size_t bins = 2 + static_cast<std::size_t>(highest - lowest) * per_binade + 1;
  static std::size_t bin_of(double ulps);
  static double upper_edge(std::size_t bin);

  std::array<std::uint64_t, bins> counts_{};
};

/// Counts by floor(log2 |truth|) and floor(log2 |error|), each clamped to -192 .. 63; exact zeros are a bin of their
/// own.
class ErrorHistogram {
 public:
  static constexpr int lowest = -192;
  static constexpr int highest = 63;
  static constexpr int zero = lowest - 1;  ///< the exponent that stands for "exactly zero"

  ErrorHistogram() : counts_(side * side) {}
  void add(double truth_magnitude, double error_magnitude) {
    ++counts_[index_of(truth_magnitude) * side + index_of(error_magnitude)];
  }
  void merge(const ErrorHistogram& other);

  struct Cell {
    int log2_truth;
    int log2_error;
    std::uint64_t count;
  };
  /// The cells that are not empty, by truth, then error.
  std::vector<Cell> cells() const;

 private:
  static constexpr std::size_t side = static_cast<std::size_t>(highest - lowest) + 2;
  static std::size_t index_of(double magnitude);

  std::vector<std::uint64_t> counts_;
};

}  // namespace ulpscope::judge
