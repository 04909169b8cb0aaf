// SPDX-License-Identifier: Apache-2.0
// Elements of a matrix product by themselves: estimates in fp32 with a bound, sums in fp64. Internal to core/judge.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "core/compressor/tape.hpp"
#include "core/judge/slot_product.hpp"
#include "precision/format.hpp"

namespace ulpscope::judge {

/// How far a sum of rounded products may be from its exact value, whatever the order: relative times both lines' norms,
/// plus absolute.
struct SumError {
  double relative = 0;  ///< (1 + u)^(K + 1) - 1 [Higham02, ch. 3]
  double absolute = 0;  ///< products below the format's range, or flushed
};
/// `terms`: those that one sum adds up. `unit`: what one rounding does at most, relative to its result.
SumError sum_error(std::size_t terms, const precision::Format& format, double unit);

/// Whether the element asked for as the k-th means the same wherever between `low` and `high` its exact value is.
using Settled = std::function<bool(std::size_t k, double low, double high)>;

/// A factor as it is given, and the format to which the stage rounds it first (nothing: none, or it is rounded).
struct GivenFactor {
  compressor::Tensor tensor;
  std::optional<precision::Format> format;
};

class ProductElements {
 public:
  /// The factors are kept, not copied, where they are references to memory that stays.
  ProductElements(const SlotProduct& product, GivenFactor left, GivenFactor right)
      : product_(product), left_(std::move(left)), right_(std::move(right)) {}

  /// In fp64, at ascending flat elements; a line of zeros makes 0, whatever meets it. With `settled`, of factors in
  /// floats, where more than 1/64 of all elements are asked for: estimates in fp32, of those that these settle.
  std::vector<double> sums(const std::vector<std::size_t>& elements, const Settled& settled = nullptr) const;

 private:
  bool fits_floats() const;

  SlotProduct product_;
  GivenFactor left_;
  GivenFactor right_;
};

}  // namespace ulpscope::judge
