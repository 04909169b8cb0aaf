// SPDX-License-Identifier: Apache-2.0
// Elements of a matrix product by themselves: sums in fp64, and estimates of all with a bound. Internal to core/judge.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "core/compressor/tape.hpp"
#include "core/judge/line_squares.hpp"
#include "core/judge/slot_product.hpp"
#include "precision/format.hpp"

namespace ulpscope::judge {

/// How far a sum of rounded products may be from its exact value, whatever the order: relative times both lines' norms,
/// plus absolute.
struct SumError {
  double relative = 0;  ///< (1 + u)^(K + 1) - 1 [Higham02, ch. 3]
  double absolute = 0;  ///< products below the format's range, or flushed
};
/// `unit`: what one rounding does at most, relative to its result.
SumError sum_error(std::size_t terms, const precision::Format& format, double unit);

class ProductElements {
 public:
  /// The factors as the stage reads them; kept, not copied, where they are references to memory that stays.
  ProductElements(const SlotProduct& product, compressor::Tensor left, compressor::Tensor right)
      : product_(product), left_(std::move(left)), right_(std::move(right)) {}

  /// In fp64, at ascending flat elements.
  std::vector<double> sums(const std::vector<std::size_t>& elements) const;

  /// Norms of the lines that meet.
  struct Norms {
    std::vector<double> left;
    std::vector<double> right;
  };
  /// Every element in fp32, and how far it may be from the exact sum.
  class Estimate {
   public:
    double value(std::size_t element) const { return values_[element]; }
    double error(std::size_t element) const {
      return error_.relative * norms_.left[element / norms_.right.size()] *
                 norms_.right[element % norms_.right.size()] +
             error_.absolute;
    }

   private:
    friend class ProductElements;
    std::vector<float> values_;
    Norms norms_;
    SumError error_;
  };
  /// Nothing where a factor is not carried in floats.
  std::optional<Estimate> estimate(const LineSquares& left, const LineSquares& right) const;

 private:
  std::vector<double> by_lines(const std::vector<std::size_t>& elements) const;
  std::vector<double> by_terms(const std::vector<std::size_t>& elements) const;

  SlotProduct product_;
  compressor::Tensor left_;
  compressor::Tensor right_;
};

}  // namespace ulpscope::judge
