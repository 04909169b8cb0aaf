// SPDX-License-Identifier: Apache-2.0
// Passes over factors: a product has as many terms as it has elements, times its depth.
#include "core/judge/stray_product.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>

namespace ulpscope::judge {
namespace {

using compressor::Name;
using compressor::Slot;
using compressor::Tensor;

bool is_of_kv(Name name) { return name == Name::kv || name == Name::w_kv || name == Name::hidden_kv; }

/// Which dimension of a stored matrix runs along the product's.
enum class Along : std::uint8_t { rows, columns };

/// A matrix of rows of `width`.
struct Matrix {
  const Tensor& tensor;
  std::size_t width;
  Along along;
};

struct Factor {
  std::vector<std::uint8_t> tainted;  ///< by row, or column, of the matrix
  double largest = 0;                 ///< magnitude; infinity where something is not finite
};

/// Of a float's or double's bits, without the sign: their order is that of magnitudes, NaN the largest.
template <class T>
using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
template <class T>
Bits<T> magnitude_bits(T value) {
  return static_cast<Bits<T>>(std::bit_cast<Bits<T>>(value) & (~Bits<T>{0} >> 1));
}

/// The largest magnitude of each row, or column: no branches.
template <class T>
std::vector<Bits<T>> largest_bits(const T* values, std::size_t rows, const Matrix& matrix) {
  std::vector<Bits<T>> most(matrix.along == Along::rows ? rows : matrix.width, 0);
  for (std::size_t row = 0; row < rows; ++row) {
    const T* const at = values + row * matrix.width;
    if (matrix.along == Along::columns) {
      for (std::size_t i = 0; i < matrix.width; ++i) most[i] = std::max(most[i], magnitude_bits(at[i]));
      continue;
    }
    Bits<T> largest = 0;
    for (std::size_t i = 0; i < matrix.width; ++i) largest = std::max(largest, magnitude_bits(at[i]));
    most[row] = largest;
  }
  return most;
}

Factor factor_of(const Matrix& matrix) {
  const std::size_t rows = matrix.width == 0 ? 0 : matrix.tensor.size() / matrix.width;
  Factor factor;
  std::visit(
      [&](const auto& values) {
        using T = std::remove_cvref_t<decltype(values[0])>;
        for (const Bits<T> bits : largest_bits(values.data(), rows, matrix)) {
          const auto magnitude = static_cast<double>(std::bit_cast<T>(bits));
          const bool finite = std::isfinite(magnitude);
          factor.tainted.push_back(finite ? 0 : 1);
          factor.largest = std::max(factor.largest, finite ? magnitude : HUGE_VAL);
        }
      },
      matrix.tensor.data);
  return factor;
}

bool has_infinities(const precision::Format& format) {
  return format.special == precision::Special::ieee && !format.saturate;
}

bool all(const std::vector<std::uint8_t>& flags) { return std::find(flags.begin(), flags.end(), 0) == flags.end(); }

}  // namespace

bool is_matrix_product(Slot slot) {
  const bool forward = slot.direction == compressor::Direction::forward;
  switch (slot.name) {
    case Name::kv:
    case Name::gate:
      return forward;
    case Name::w_kv:
    case Name::w_gate:
    case Name::hidden_kv:
    case Name::hidden_gate:
      return !forward;
    default:
      return false;
  }
}

StrayProduct::StrayProduct(Slot slot, const compressor::Plan& plan, const compressor::Problem& problem,
                           const compressor::Tape& tape) {
  const compressor::Config& config = plan.config();
  const std::size_t h = config.hidden;
  const std::size_t f = config.features();
  const Tensor& weights = problem.input(is_of_kv(slot.name) ? Name::w_kv : Name::w_gate);
  const Tensor& hidden = problem.input(Name::hidden);
  std::size_t terms = h;
  Factor left;
  Factor right;
  if (slot.direction == compressor::Direction::forward) {
    left = factor_of({hidden, h, Along::rows});
    right = factor_of({weights, h, Along::rows});
  } else {
    const Tensor& above = tape.find(compressor::gradient(is_of_kv(slot.name) ? Name::kv : Name::gate))->tensor;
    const bool of_weights = slot.name == Name::w_kv || slot.name == Name::w_gate;
    terms = of_weights ? config.batch * config.seq : f;
    left = factor_of({above, f, of_weights ? Along::columns : Along::rows});
    right = factor_of({of_weights ? hidden : weights, h, Along::columns});
  }
  const compressor::SlotArithmetic& arithmetic = plan.at(slot);
  double end = HUGE_VAL;
  has_infinities_ = true;
  for (const precision::Format& format : {arithmetic.compute, arithmetic.accumulate, arithmetic.storage}) {
    end = std::min(end, format.max_finite);
    has_infinities_ = has_infinities_ && has_infinities(format);
  }
  // Inputs may round up to twice as much, each addition by 1 + u.
  const auto count = static_cast<double>(terms);
  const double grown = std::exp(count * 2 * precision::unit_roundoff(arithmetic.accumulate));
  finite_ = 8 * count * left.largest * right.largest * grown <= end;
  carries_all_ = has_infinities_ && (all(left.tainted) || all(right.tainted));
  left_ = std::move(left.tainted);
  right_ = std::move(right.tainted);
}

bool StrayProduct::carries(const std::vector<std::size_t>& elements) const {
  if (carries_all_ || !has_infinities_) return carries_all_ || elements.empty();
  return std::all_of(elements.begin(), elements.end(), [&](std::size_t element) {
    return left_[element / right_.size()] != 0 || right_[element % right_.size()] != 0;
  });
}

}  // namespace ulpscope::judge
