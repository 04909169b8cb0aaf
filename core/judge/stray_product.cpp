// SPDX-License-Identifier: Apache-2.0
// Passes over factors: a product has as many terms as it has elements, times its depth.
#include "core/judge/stray_product.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
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

/// Of a float's or double's bits, without the sign: their order is that of magnitudes, NaN the largest. Signed, for
/// which every processor has a comparison of packs.
template <class T>
using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
template <class T>
Bits<T> magnitude_bits(T value) {
  return std::bit_cast<Bits<T>>(value) & std::numeric_limits<Bits<T>>::max();
}

/// Neighbours that are looked at together, without branches.
constexpr std::size_t neighbours = 64;

/// most[i] = the larger of it and the magnitude of values[i].
template <class T>
void raise(Bits<T>* most, const T* values) {
  for (std::size_t i = 0; i < neighbours; ++i) most[i] = std::max(most[i], magnitude_bits(values[i]));
}

template <class T>
Bits<T> largest_of_row(const T* values, std::size_t width) {
  std::array<Bits<T>, neighbours> most{};
  std::size_t i = 0;
  for (; i + neighbours <= width; i += neighbours) raise(most.data(), values + i);
  for (; i < width; ++i) most[0] = std::max(most[0], magnitude_bits(values[i]));
  return *std::max_element(most.begin(), most.end());
}

/// The largest magnitude of each row, or column.
template <class T>
std::vector<Bits<T>> largest_bits(const T* values, std::size_t rows, const Matrix& matrix) {
  std::vector<Bits<T>> most(matrix.along == Along::rows ? rows : matrix.width, 0);
  for (std::size_t row = 0; row < rows; ++row) {
    const T* const at = values + row * matrix.width;
    if (matrix.along == Along::rows) {
      most[row] = largest_of_row(at, matrix.width);
      continue;
    }
    std::size_t i = 0;
    for (; i + neighbours <= matrix.width; i += neighbours) raise(most.data() + i, at + i);
    for (; i < matrix.width; ++i) most[i] = std::max(most[i], magnitude_bits(at[i]));
  }
  return most;
}

StrayFactor factor_of(const Matrix& matrix) {
  const std::size_t rows = matrix.width == 0 ? 0 : matrix.tensor.size() / matrix.width;
  StrayFactor factor;
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

/// Of an input.
const StrayFactor& input_factor(const Matrix& matrix, FactorScans& scans) {
  const void* const memory =
      std::visit([](const auto& values) -> const void* { return values.data(); }, matrix.tensor.data);
  const auto [place, is_new] = scans.try_emplace({memory, matrix.along == Along::rows});
  if (is_new) place->second = factor_of(matrix);
  return place->second;
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

StrayProduct::StrayProduct(Slot slot, const ProductFactors& factors) {
  const auto& [plan, problem, tape, scans] = factors;
  const compressor::Config& config = plan.config();
  const std::size_t h = config.hidden;
  const std::size_t f = config.features();
  const Tensor& weights = problem.input(is_of_kv(slot.name) ? Name::w_kv : Name::w_gate);
  const Tensor& hidden = problem.input(Name::hidden);
  std::size_t terms = h;
  StrayFactor left;
  StrayFactor right;
  if (slot.direction == compressor::Direction::forward) {
    left = input_factor({hidden, h, Along::rows}, scans);
    right = input_factor({weights, h, Along::rows}, scans);
  } else {
    const Tensor& above = tape.find(compressor::gradient(is_of_kv(slot.name) ? Name::kv : Name::gate))->tensor;
    const bool of_weights = slot.name == Name::w_kv || slot.name == Name::w_gate;
    terms = of_weights ? config.batch * config.seq : f;
    left = factor_of({above, f, of_weights ? Along::columns : Along::rows});
    right = input_factor({of_weights ? hidden : weights, h, Along::columns}, scans);
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

bool StrayProduct::carries(const IndexRanges& elements) const {
  if (carries_all_ || !has_infinities_) return carries_all_ || elements.empty();
  const std::size_t columns = right_.size();
  for (const IndexRanges::Range& range : elements.ranges()) {
    for (std::size_t i = range.first; i < range.last; ++i) {
      if (left_[i / columns] != 0) {
        i = (i / columns + 1) * columns - 1;  // the rest of its row
      } else if (right_[i % columns] == 0) {
        return false;
      }
    }
  }
  return true;
}

IndexRanges StrayProduct::tainted_rows() const {
  IndexRanges rows;
  const bool in_columns = std::find(right_.begin(), right_.end(), 1) != right_.end();
  for (std::size_t row = 0; row < left_.size(); ++row) {
    if (in_columns || left_[row] != 0) rows.add(row);
  }
  return rows;
}

}  // namespace ulpscope::judge
