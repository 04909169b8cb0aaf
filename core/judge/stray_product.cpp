// SPDX-License-Identifier: Apache-2.0
// Passes over factors: a product has as many terms as it has elements, times its depth.
#include "core/judge/stray_product.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace ulpscope::judge {
namespace {

using compressor::Name;
using compressor::Slot;
using compressor::Tensor;

bool is_of_kv(Name name) { return name == Name::kv || name == Name::w_kv || name == Name::hidden_kv; }

/// Neighbours that are looked at together, without branches.
constexpr std::size_t neighbours = 64;
/// Rows whose squares are added in the values' own format: their sum is off by less than its hundredth.
constexpr std::size_t rows_together = 256;

/// sums[i] += values[i]^2, and lanes[i] too.
template <class T>
void add_squares(const T* values, T* sums, T* lanes) {
  for (std::size_t i = 0; i < neighbours; ++i) {
    const T square = values[i] * values[i];
    sums[i] += square;
    lanes[i] += square;
  }
}

/// A row's sum of squares, which are added to those of the columns too.
template <class T>
double squares_of_row(const T* values, std::vector<T>& columns) {
  std::array<T, neighbours> lanes{};
  std::size_t i = 0;
  for (; i + neighbours <= columns.size(); i += neighbours) add_squares(values + i, columns.data() + i, lanes.data());
  for (; i < columns.size(); ++i) {
    const T square = values[i] * values[i];
    columns[i] += square;
    lanes[0] += square;
  }
  return std::accumulate(lanes.begin(), lanes.end(), 0.0);
}

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

/// Squares below the format's range are lost: fewer than `count` of its least normal number.
template <class T>
double lost_squares(std::size_t count) {
  return static_cast<double>(count) * static_cast<double>(std::numeric_limits<T>::min());
}

template <class T>
StrayMatrix scanned(const T* values, std::size_t rows, std::size_t width) {
  std::vector<double> by_row(rows);
  std::vector<double> by_column(width);
  std::vector<T> sums(width);
  for (std::size_t row = 0; row < rows; ++row) {
    by_row[row] = squares_of_row(values + row * width, sums) + lost_squares<T>(width);
    if (row + 1 != rows && (row + 1) % rows_together != 0) continue;
    for (std::size_t i = 0; i < width; ++i) by_column[i] += static_cast<double>(std::exchange(sums[i], T{0}));
  }
  for (double& squares : by_column) squares += lost_squares<T>(rows);
  const auto in_row = [&](std::size_t row) {
    return !std::all_of(values + row * width, values + (row + 1) * width, [](T x) { return std::isfinite(x); });
  };
  const auto in_column = [&](std::size_t column) {
    std::size_t row = 0;
    while (row < rows && std::isfinite(values[row * width + column])) ++row;
    return row < rows;
  };
  return {factor_of(by_row, in_row), factor_of(by_column, in_column)};
}

/// Of a matrix of rows of `width`.
const StrayMatrix& matrix_of(const Tensor& tensor, std::size_t width, FactorScans& scans) {
  return std::visit(
      [&](const auto& values) -> const StrayMatrix& {
        const auto [place, is_new] = scans.try_emplace(values.data());
        if (is_new) place->second = scanned(values.data(), width == 0 ? 0 : values.size() / width, width);
        return place->second;
      },
      tensor.data);
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
  const StrayFactor* left = nullptr;
  const StrayFactor* right = nullptr;
  if (slot.direction == compressor::Direction::forward) {
    left = &matrix_of(hidden, h, scans).rows;
    right = &matrix_of(weights, h, scans).rows;
  } else {
    const Tensor& above = tape.find(compressor::gradient(is_of_kv(slot.name) ? Name::kv : Name::gate))->tensor;
    const bool of_weights = slot.name == Name::w_kv || slot.name == Name::w_gate;
    terms = of_weights ? config.batch * config.seq : f;
    const StrayMatrix& gradients = matrix_of(above, f, scans);
    left = of_weights ? &gradients.columns : &gradients.rows;
    right = &matrix_of(of_weights ? hidden : weights, h, scans).columns;
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
  finite_ = 8 * left->longest * right->longest * grown <= end;
  carries_all_ = has_infinities_ && (all(left->tainted) || all(right->tainted));
  left_ = left->tainted;
  right_ = right->tainted;
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
