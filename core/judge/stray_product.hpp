// SPDX-License-Identifier: Apache-2.0
// What a matrix product does with strays, told from its factors alone. Internal to core/judge.
#pragma once

#include <cstdint>
#include <vector>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/problem.hpp"
#include "core/compressor/tape.hpp"

namespace ulpscope::judge {

/// Projections and their gradients: whether the slot is one.
bool is_matrix_product(compressor::Slot slot);

class StrayProduct {
 public:
  /// The factors of a matrix product: gradients from `tape`, inputs from `problem`. One pass over both.
  StrayProduct(compressor::Slot slot, const compressor::Plan& plan, const compressor::Problem& problem,
               const compressor::Tape& tape);

  /// Of each of these elements some term is not finite, and so neither is the sum, whatever its order. False also where
  /// a format of the stage has no infinities and might make it finite again.
  bool carries(const std::vector<std::size_t>& elements) const;
  /// No factor is stray, and no order of the sum comes near the end of a format.
  bool stays_finite() const { return finite_; }

 private:
  std::vector<std::uint8_t> left_;   ///< by row of the product: its factor holds something that is not finite
  std::vector<std::uint8_t> right_;  ///< by column
  bool has_infinities_ = false;
  bool carries_all_ = false;
  bool finite_ = false;
};

}  // namespace ulpscope::judge
