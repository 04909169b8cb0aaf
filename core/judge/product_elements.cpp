// SPDX-License-Identifier: Apache-2.0
// Lines are laid one after the other where many are asked for; where few are, the factors are walked as they lie.
#include "core/judge/product_elements.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <type_traits>

#include "core/compressor/kernels/kernel_sets.hpp"
#include "core/compressor/matrix_product.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Tensor;
using Elements = std::vector<std::size_t>;

/// Side of the squares in which a matrix is transposed: both of their sides stay in the first cache.
constexpr std::size_t tile = 16;

/// The lines of a factor, each from `lines[i * terms]`; `copy` holds them where they did not lie so.
template <class T>
const T* contiguous(const ProductFactor& factor, std::span<const T> values, std::vector<T>& copy) {
  if (factor.lines == Lines::rows) return values.data();
  const std::size_t width = factor.width;
  const std::size_t rows = values.size() / width;
  copy.resize(values.size());
  for (std::size_t row = 0; row < rows; row += tile) {
    for (std::size_t column = 0; column < width; column += tile) {
      for (std::size_t i = column; i < std::min(column + tile, width); ++i) {
        for (std::size_t k = row; k < std::min(row + tile, rows); ++k) copy[i * rows + k] = values[k * width + i];
      }
    }
  }
  return copy.data();
}

/// Terms that are added from 0, and rows whose sums stay in the second cache: the shorter a sum, the closer its bound.
constexpr std::size_t part_terms = 256;
constexpr std::size_t part_rows = 128;

/// out = a b, its parts added one by one.
void add_parts(const compressor::MatrixProduct<float>& whole) {
  const auto& kernels = compressor::kernels::kernel_set<float>(compressor::Kind::native_float, "");
  const compressor::Multiplier<float> multiply(kernels, 1);
  std::vector<compressor::Workspace<float>> panels((whole.depth + part_terms - 1) / part_terms);
  std::vector<float> sums(part_rows * whole.columns);
  for (std::size_t row = 0; row < whole.rows; row += part_rows) {
    float* const out = whole.out + row * whole.columns;
    for (std::size_t i = 0; i < panels.size(); ++i) {
      const std::size_t first = i * part_terms;
      compressor::MatrixProduct<float> part = whole;
      part.rows = std::min(part_rows, whole.rows - row);
      part.depth = std::min(part_terms, whole.depth - first);
      part.a += row * whole.a_row + first * whole.a_depth;
      part.b.data += first * (whole.b.stored_transposed == compressor::Transpose::yes ? 1 : whole.b.row);
      part.out = i == 0 ? out : sums.data();
      multiply({{part, &panels[i]}});
      const std::size_t count = i == 0 ? 0 : part.rows * whole.columns;
      for (std::size_t k = 0; k < count; ++k) out[k] += sums[k];
    }
  }
}

std::vector<double> roots(const std::vector<double>& squares) {
  std::vector<double> norms(squares.size());
  std::transform(squares.begin(), squares.end(), norms.begin(), [](double x) { return std::sqrt(x); });
  return norms;
}

}  // namespace

SumError sum_error(std::size_t terms, const precision::Format& format, double unit) {
  const auto count = static_cast<double>(terms);
  return {std::expm1((count + 1) * unit), count * precision::min_normal(format)};
}

/// Of a row of zeros, as of tokens that no window holds, every sum is 0 without a look at the columns.
std::vector<double> ProductElements::sums(const Elements& elements) const {
  Elements asked;
  std::vector<std::size_t> places;
  std::visit(
      [&](const auto& left) {
        std::size_t known = product_.rows;
        bool is_zero = false;
        for (std::size_t k = 0; k < elements.size(); ++k) {
          const std::size_t row = elements[k] / product_.columns;
          if (row != known) {
            const auto* const line = left.data() + row * product_.left.stride();
            is_zero = true;
            for (std::size_t i = 0; i < product_.terms && is_zero; ++i) is_zero = line[i * product_.left.step()] == 0;
            known = row;
          }
          if (is_zero) continue;
          asked.push_back(elements[k]);
          places.push_back(k);
        }
      },
      left_.data);
  const std::vector<double> found = asked.size() < product_.columns ? by_terms(asked) : by_lines(asked);
  std::vector<double> values(elements.size());
  for (std::size_t k = 0; k < places.size(); ++k) values[places[k]] = found[k];
  return values;
}

std::vector<double> ProductElements::by_lines(const Elements& elements) const {
  std::vector<double> values(elements.size());
  const auto add = [&](const auto& left, const auto& right) {
    std::vector<typename std::remove_cvref_t<decltype(left)>::value_type> left_copy;
    std::vector<typename std::remove_cvref_t<decltype(right)>::value_type> right_copy;
    const auto* const rows = contiguous(product_.left, std::span(left.data(), left.size()), left_copy);
    const auto* const columns = contiguous(product_.right, std::span(right.data(), right.size()), right_copy);
    for (std::size_t k = 0; k < elements.size(); ++k) {
      values[k] = dot(rows + elements[k] / product_.columns * product_.terms,
                      columns + elements[k] % product_.columns * product_.terms, product_.terms);
    }
  };
  std::visit(add, left_.data, right_.data);
  return values;
}

/// Term by term: what the elements read of a factor lies near what they read of it for the term before.
std::vector<double> ProductElements::by_terms(const Elements& elements) const {
  struct Place {
    std::size_t left;
    std::size_t right;
  };
  std::vector<Place> places;
  for (const std::size_t element : elements) {
    places.push_back(
        {element / product_.columns * product_.left.stride(), element % product_.columns * product_.right.stride()});
  }
  std::vector<double> values(elements.size());
  const auto add = [&](const auto& left, const auto& right) {
    for (std::size_t i = 0; i < product_.terms; ++i) {
      const auto* const a = left.data() + i * product_.left.step();
      const auto* const b = right.data() + i * product_.right.step();
      for (std::size_t k = 0; k < values.size(); ++k)
        values[k] += static_cast<double>(a[places[k].left]) * static_cast<double>(b[places[k].right]);
    }
  };
  std::visit(add, left_.data, right_.data);
  return values;
}

std::optional<ProductElements::Estimate> ProductElements::estimate(const LineSquares& left,
                                                                   const LineSquares& right) const {
  const auto* const a = std::get_if<io::Buffer<float>>(&left_.data);
  const auto* const b = std::get_if<io::Buffer<float>>(&right_.data);
  if (a == nullptr || b == nullptr) return std::nullopt;
  const auto lines_of = [](const ProductFactor& factor, const LineSquares& squares) {
    return roots(factor.lines == Lines::rows ? squares.rows : squares.columns);
  };
  Estimate estimate;
  estimate.norms_ = {lines_of(product_.left, left), lines_of(product_.right, right)};
  const precision::Format fp32 = precision::parse_format("fp32");
  const std::size_t parts = (product_.terms + part_terms - 1) / part_terms;
  estimate.error_ = sum_error(part_terms + parts, fp32, precision::unit_roundoff(fp32));
  estimate.error_.absolute = static_cast<double>(product_.terms) * precision::min_normal(fp32);
  estimate.values_.resize(product_.rows * product_.columns);
  compressor::SlotArithmetic arithmetic;
  arithmetic.compute = arithmetic.accumulate = arithmetic.storage = arithmetic.branches = fp32;
  arithmetic.compute_exact = true;
  compressor::MatrixProduct<float> product;
  product.arithmetic = &arithmetic;
  product.a = a->data();
  product.a_row = product_.left.stride();
  product.a_depth = product_.left.step();
  const bool transposed = product_.right.lines == Lines::rows;
  product.b = {b->data(), product_.right.width, transposed ? compressor::Transpose::yes : compressor::Transpose::no};
  product.rows = product_.rows;
  product.depth = product_.terms;
  product.columns = product_.columns;
  product.out = estimate.values_.data();
  add_parts(product);
  return estimate;
}

}  // namespace ulpscope::judge
