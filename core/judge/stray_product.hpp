// SPDX-License-Identifier: Apache-2.0
// What a matrix product does with strays, told from its factors alone. Internal to core/judge.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/problem.hpp"
#include "core/compressor/tape.hpp"
#include "core/judge/index_ranges.hpp"
#include "core/judge/slot_product.hpp"

namespace ulpscope::judge {

/// A factor of a product, by rows of its matrix, or by columns.
struct StrayFactor {
  std::vector<std::uint8_t> tainted;  ///< something in it is not finite
  double longest = 0;                 ///< Euclidean norm, at least; infinity where something is not finite
};
struct StrayMatrix {
  StrayFactor rows;
  StrayFactor columns;
};

/// Passes over matrices, each done once: every one is a factor of two products or more. By the memory of the values,
/// which must stay as it is for as long as this is asked.
using FactorScans = std::map<const void*, StrayMatrix>;

/// Where a product's factors stand: gradients on `tape`, inputs with `problem`.
struct ProductFactors {
  const compressor::Plan& plan;
  const compressor::Problem& problem;
  const compressor::Tape& tape;
  FactorScans& scans;
  unsigned threads = 1;
};

class StrayProduct {
 public:
  /// One pass over both factors, or none where they are known. Precondition: is_matrix_product(slot).
  StrayProduct(compressor::Slot slot, const ProductFactors& factors);

  /// Of each of these elements some term is not finite, and so neither is the sum, whatever its order. False also where
  /// a format of the stage has no infinities and might make it finite again.
  bool carries(const IndexRanges& elements) const;
  /// No factor is stray, and no order of the sum comes near the end of a format: whatever is added up on the way, it is
  /// at most the sum of |terms|, and so at most the product of both factors' norms [Cauchy-Schwarz].
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
