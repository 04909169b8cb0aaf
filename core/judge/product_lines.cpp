// SPDX-License-Identifier: Apache-2.0
// Rows are copied part by part; columns are turned square by square.
#include "core/judge/product_lines.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <variant>

#include "precision/round_array.hpp"

namespace ulpscope::judge {
namespace {

/// Of sums of squares in floats: they are off by less.
constexpr double margin = 1.01;

}  // namespace

template <class T>
double norm_of(double squares, std::size_t count) {
  const double lost = static_cast<double>(count) * static_cast<double>(std::numeric_limits<T>::min());
  return std::sqrt(margin * squares + lost);
}

template <class T>
void round_factor(std::span<T> values, const GivenFactor& given) {
  if (given.format) precision::round_array(values, values, *given.format);
}

template <class T>
LineBlock<T>::LineBlock(const ProductFactor& factor, const GivenFactor& given, std::size_t terms)
    : factor_(factor),
      given_(given),
      terms_(terms),
      parts_((terms + part_terms - 1) / part_terms),
      values_(block_lines * parts_ * part_terms) {}

template <class T>
void LineBlock<T>::begin(std::size_t first) {
  first_ = first;
  loaded_.fill(false);
  turned_ = false;
}

template <class T>
void LineBlock<T>::load(const LineSet& needed) {
  std::visit(
      [&](const auto& values) {
        for (std::size_t line = 0; line < block_lines; ++line) {
          if (!needed[line] || loaded_[line]) continue;
          const auto* const from = values.data() + first_ * factor_.stride();
          if (factor_.lines == Lines::rows) {
            copy(from + line * terms_, line);
          } else if (!turned_) {
            turn(from, std::min(block_lines, factor_.width - first_));
          }
          fill_up(line);
          measure(line);
          loaded_[line] = true;
        }
      },
      given_.tensor.data);
}

template <class T>
template <class From>
void LineBlock<T>::copy(const From* line, std::size_t to) {
  for (std::size_t k = 0; k < terms_; k += part_terms) {
    const std::size_t count = std::min(part_terms, terms_ - k);
    std::copy_n(line + k, count, at(to, k));
    round_factor(std::span<T>(at(to, k), count), given_);
  }
}

/// By way of a few terms that lie in the first cache: rows of the matrix are often whole pages apart.
template <class T>
template <class From>
void LineBlock<T>::turn(const From* from, std::size_t lines) {
  static_assert(panel_lines == turned_side && part_terms % turned_side == 0);
  std::array<T, turned_side * block_lines> rows{};
  for (std::size_t k = 0; k < terms_; k += turned_side) {
    const std::size_t some = std::min(turned_side, terms_ - k);
    if (some < turned_side) rows.fill(0);
    for (std::size_t i = 0; i < some; ++i)
      std::copy_n(from + (k + i) * factor_.width, lines, rows.data() + i * block_lines);
    round_factor(std::span<T>(rows), given_);
    for (std::size_t line = 0; line < block_lines; line += panel_lines)
      array_loops<T>().turn(rows.data() + line, block_lines, at(line, k));
  }
  turned_ = true;
}

template <class T>
void LineBlock<T>::fill_up(std::size_t line) {
  const std::size_t missing = parts_ * part_terms - terms_;
  if (missing != 0) std::fill_n(at(line, terms_), missing, T{0});
}

template <class T>
void LineBlock<T>::measure(std::size_t line) {
  std::array<T, sum_lanes> lanes{};
  bool is_zero = true;
  for (std::size_t i = 0; i < parts_; ++i) {
    const T* const values = part_of_line(line, i);
    const std::uint8_t itself = 0;
    array_loops<T>().add_parts({values, values, &itself, 1}, lanes.data());
    is_zero = is_zero && std::all_of(values, values + part_terms, [](T x) { return x == 0; });
  }
  norms_[line] = is_zero ? 0 : norm_of<T>(std::accumulate(lanes.begin(), lanes.end(), 0.0), terms_);
}

template double norm_of<float>(double, std::size_t);
template double norm_of<double>(double, std::size_t);
template void round_factor(std::span<float>, const GivenFactor&);
template void round_factor(std::span<double>, const GivenFactor&);
template class LineBlock<float>;
template class LineBlock<double>;

}  // namespace ulpscope::judge
