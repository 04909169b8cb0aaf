// SPDX-License-Identifier: Apache-2.0
// Passes over factors: a product has as many terms as it has elements, times its depth.
#include "core/judge/stray_product.hpp"

#include <algorithm>
#include <cmath>

#include "core/judge/line_squares.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Name;
using compressor::Slot;
using compressor::Tensor;

/// Sums of squares to norms. A sum that is not finite may come of finite values: `is_tainted` looks at them again.
template <class F>
StrayFactor factor_of(const std::vector<double>& squares, F is_tainted) {
  StrayFactor factor;
  factor.tainted.resize(squares.size());
  double most = 0;
  for (std::size_t i = 0; i < squares.size(); ++i) {
    const bool finite = std::isfinite(squares[i]);
    if (!finite) factor.tainted[i] = is_tainted(i) ? 1 : 0;
    most = std::max(most, finite ? squares[i] : HUGE_VAL);
  }
  factor.longest = std::sqrt(most);
  return factor;
}

/// Of a matrix of rows of `width`.
StrayMatrix scanned(const Tensor& tensor, std::size_t width, unsigned threads) {
  const LineSquares squares = line_squares(tensor, width, threads);
  return std::visit(
      [&](const auto& values) -> StrayMatrix {
        const auto is_finite = [](auto x) { return std::isfinite(x); };
        const auto in_row = [&](std::size_t row) {
          const auto first = values.begin() + row * width;
          return !std::all_of(first, first + width, is_finite);
        };
        const auto in_column = [&](std::size_t column) {
          std::size_t i = column;
          while (i < values.size() && is_finite(values[i])) i += width;
          return i < values.size();
        };
        return {factor_of(squares.rows, in_row), factor_of(squares.columns, in_column)};
      },
      tensor.data);
}

/// The lines of a factor: its matrix is looked at once.
const StrayFactor& lines_of(const ProductFactor& factor, const ProductFactors& factors) {
  const auto [name, direction] = factor.slot;
  const bool is_input = direction == compressor::Direction::forward;
  const Tensor& tensor = is_input ? factors.problem.input(name) : factors.tape.find(factor.slot)->tensor;
  const void* const memory = std::visit([](const auto& values) -> const void* { return values.data(); }, tensor.data);
  const auto [place, is_new] = factors.scans.try_emplace(memory);
  if (is_new) place->second = scanned(tensor, factor.width, factors.threads);
  return factor.lines == Lines::rows ? place->second.rows : place->second.columns;
}

bool has_infinities(const precision::Format& format) {
  return format.special == precision::Special::ieee && !format.saturate;
}

bool all(const std::vector<std::uint8_t>& flags) { return std::find(flags.begin(), flags.end(), 0) == flags.end(); }

}  // namespace

StrayProduct::StrayProduct(Slot slot, const ProductFactors& factors) {
  const SlotProduct product = *product_of(slot, factors.plan.config());
  const StrayFactor& left = lines_of(product.left, factors);
  const StrayFactor& right = lines_of(product.right, factors);
  const compressor::SlotArithmetic& arithmetic = factors.plan.at(slot);
  double end = HUGE_VAL;
  has_infinities_ = true;
  for (const precision::Format& format : {arithmetic.compute, arithmetic.accumulate, arithmetic.storage}) {
    end = std::min(end, format.max_finite);
    has_infinities_ = has_infinities_ && has_infinities(format);
  }
  // Inputs may round up to twice as much, each addition by 1 + u.
  const auto count = static_cast<double>(product.terms);
  const double grown = std::exp(count * 2 * precision::unit_roundoff(arithmetic.accumulate));
  finite_ = 8 * left.longest * right.longest * grown <= end;
  carries_all_ = has_infinities_ && (all(left.tainted) || all(right.tainted));
  left_ = left.tainted;
  right_ = right.tainted;
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
