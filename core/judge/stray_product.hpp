// SPDX-License-Identifier: Apache-2.0
// What a matrix product does with strays, told from its factors alone. Internal to core/judge.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/problem.hpp"
#include "core/compressor/tape.hpp"
#include "core/judge/index_ranges.hpp"

namespace ulpscope::judge {

/// Projections and their gradients: whether the slot is one.
bool is_matrix_product(compressor::Slot slot);

/// A factor of a product, by row or column of its matrix.
struct StrayFactor {
  std::vector<std::uint8_t> tainted;  ///< something in it is not finite
  double largest = 0;                 ///< magnitude; infinity where something is not finite
};

/// Passes over inputs, each done once: four products read `hidden`, or the same weights. By the memory of the values,
/// which must outlive this, and which dimension is asked for.
using FactorScans = std::map<std::pair<const void*, bool>, StrayFactor>;

/// Where a product's factors stand: gradients on `tape`, inputs with `problem`.
struct ProductFactors {
  const compressor::Plan& plan;
  const compressor::Problem& problem;
  const compressor::Tape& tape;
  FactorScans& scans;
};

class StrayProduct {
 public:
  /// One pass over both factors, or none where they are known.
  StrayProduct(compressor::Slot slot, const ProductFactors& factors);

  /// Of each of these elements some term is not finite, and so neither is the sum, whatever its order. False also where
  /// a format of the stage has no infinities and might make it finite again.
  bool carries(const IndexRanges& elements) const;
  /// No factor is stray, and no order of the sum comes near the end of a format.
  bool stays_finite() const { return finite_; }
  /// The rows whose factor holds a stray; all of them where a column's does.
  IndexRanges tainted_rows() const;

 private:
  std::vector<std::uint8_t> left_;   ///< by row of the product: its factor holds something that is not finite
  std::vector<std::uint8_t> right_;  ///< by column
  bool has_infinities_ = false;
  bool carries_all_ = false;
  bool finite_ = false;
};

}  // namespace ulpscope::judge
