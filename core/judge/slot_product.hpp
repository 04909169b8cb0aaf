// SPDX-License-Identifier: Apache-2.0
// Slot products: which matrices the projections and their gradients multiply, and how they lie. Internal to core/judge.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>

#include "core/compressor/config.hpp"
#include "core/compressor/slot.hpp"
#include "precision/format.hpp"

namespace ulpscope::judge {

/// What of a factor meets the other's: its rows as they are stored, or its columns.
enum class Lines : std::uint8_t { rows, columns };

struct ProductFactor {
  compressor::Slot slot;  ///< of an input: its forward slot
  std::size_t width = 0;  ///< of a stored row
  Lines lines = Lines::rows;

  /// From one value of a line to the next.
  std::size_t step() const { return lines == Lines::rows ? 1 : width; }
  /// From one line to the next.
  std::size_t stride() const { return lines == Lines::rows ? width : 1; }
};

/// Element row * columns + column: the sum over `terms` of line `row` of the left factor times line `column` of the
/// right one.
struct SlotProduct {
  ProductFactor left;
  ProductFactor right;
  std::size_t rows = 0;
  std::size_t terms = 0;
  std::size_t columns = 0;
};

/// kv, gate and their VJPs [semantics S1]; nothing: the slot is no such product.
std::optional<SlotProduct> product_of(compressor::Slot slot, const compressor::Config& config);
bool is_matrix_product(compressor::Slot slot);
/// Of the projection to kv, not to gate. Precondition: is_matrix_product.
bool is_of_kv(compressor::Slot slot);

/// How far a sum of rounded products may be from its exact value, whatever the order.
struct SumError {
  double relative = 0;  ///< to both lines' norms: (1 + u)^(K + 1) - 1 [Higham02, ch. 3]
  double absolute = 0;  ///< products below the format's range, or flushed
  double of(double norm, double other) const { return relative * norm * other + absolute; }
};
/// `terms`: those that one sum adds up. `unit`: what one rounding does at most, relative to its result.
SumError sum_error(std::size_t terms, const precision::Format& format, double unit);

/// A sum of products in fp64, in lanes, which packs can add.
template <class A, class B>
double dot(const A* a, const B* b, std::size_t count) {
  std::array<double, 16> lanes{};
  std::size_t i = 0;
  for (; i + lanes.size() <= count; i += lanes.size()) {
    for (std::size_t k = 0; k < lanes.size(); ++k)
      lanes[k] += static_cast<double>(a[i + k]) * static_cast<double>(b[i + k]);
  }
  for (; i < count; ++i) lanes[0] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return std::accumulate(lanes.begin(), lanes.end(), 0.0);
}

}  // namespace ulpscope::judge
