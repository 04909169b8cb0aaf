// SPDX-License-Identifier: Apache-2.0
// A few columns at a time: parts of their terms stay near, while one row of the product after the other
// adds what it needs.
#include "core/judge/product_scaled.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <variant>
#include <vector>

#include "core/judge/product_answer.hpp"

namespace ulpscope::judge {
namespace {

/// Rows of the right factor whose columns are met at a time: as much as the first cache holds.
constexpr std::size_t part_rows = 128;
/// Rows of the product that meet them.
constexpr std::size_t rows_together = 256;
/// Rows of the right factor lie far apart: no processor guesses the next one.
constexpr std::size_t ahead = 16;
/// What an element by itself costs beside its own terms, in terms of scaled rows: 60 to 80 ns.
constexpr std::size_t terms_beside = 1500;

template <class T>
void fetch(const T* values, std::size_t count) {
  constexpr std::size_t cache_line = 64;
  for (std::size_t i = 0; i < count; i += cache_line / sizeof(T)) __builtin_prefetch(values + i);
}

template <class T>
class ScaledRows {
 public:
  ScaledRows(const GivenProduct& given, Inquiry& inquiry)
      : given_(given),
        inquiry_(inquiry),
        parts_((product().terms + part_rows - 1) / part_rows),
        error_(estimate_error<T>(product().terms, part_rows + parts_.size())),
        columns_(product().terms * scaled_columns) {
    list_terms();
  }

  void answer() {
    for (std::size_t first = 0; first < product().columns; first += scaled_columns) {
      bool is_loaded = false;
      for (std::size_t row = 0; row < product().rows; row += rows_together) {
        if (!find(row, first)) continue;
        if (!is_loaded) load(first);
        is_loaded = true;
        add();
        for (std::size_t i = 0; i < rows_.size(); ++i) give(i, first);
      }
    }
  }

 private:
  static_assert(scaled_columns == inquiry_block);
  static_assert(part_terms % part_rows == 0);
  struct Row {
    std::size_t row;
    Neighbours asked;
  };
  /// Terms of all rows from some rows of the right factor: one stream for whoever adds them.
  struct Part {
    std::vector<ScaledRow<T>> terms;   ///< row by row; where one begins: within the part
    std::vector<std::size_t> ends{0};  ///< [rows + 1] of them

    /// Of the next row; gives how many there are.
    std::size_t append(const T* factors) {
      std::size_t count = ends.back();
      if (count + part_rows > terms.size()) terms.resize(2 * (count + part_rows));
      for (std::uint32_t k = 0; k < part_rows; ++k) {
        terms[count] = {factors[k], k * static_cast<std::uint32_t>(scaled_columns)};
        count += factors[k] != 0;  // as good as at random: no branch
      }
      ends.push_back(count);
      return count - ends[ends.size() - 2];
    }
    std::span<const ScaledRow<T>> of(std::size_t row) const {
      return {terms.data() + ends[row], ends[row + 1] - ends[row]};
    }
  };
  const SlotProduct& product() const { return given_.product; }

  /// What is not 0 in lines of the left factor.
  void list_terms() {
    LineBlock<T> block(product().left, given_.left, product().terms);
    for (std::size_t row = 0; row < product().rows; ++row) {
      const std::size_t line = row % block_lines;
      if (line == 0) {
        LineSet there{};
        std::fill_n(there.begin(), std::min(block_lines, product().rows - row), true);
        block.begin(row);
        block.load(there);
      }
      norms_.push_back(block.norm(line));
      std::size_t count = 0;
      for (std::size_t part = 0; part < parts_.size(); ++part) {
        const std::size_t first = part * part_rows;
        count += parts_[part].append(block.part_of_line(line, first / part_terms) + first % part_terms);
      }
      is_zero_.push_back(count == 0);
    }
  }

  bool find(std::size_t first_row, std::size_t first) {
    rows_.clear();
    const std::size_t width = std::min(scaled_columns, product().columns - first);
    const std::size_t last = std::min(first_row + rows_together, product().rows);
    for (std::size_t row = first_row; row < last; ++row) {
      if (is_zero_[row] && !inquiry_.asks_zeros()) continue;
      const Neighbours asked = inquiry_.find(row * product().columns + first, width);
      if (asked != 0) rows_.push_back({row, asked});
    }
    return !rows_.empty();
  }

  /// Columns from `first` on, of all terms; what is missing is 0.
  void load(std::size_t first) {
    const std::size_t width = std::min(scaled_columns, product().columns - first);
    std::visit(
        [&](const auto& values) {
          const std::size_t step = product().right.width;
          for (std::size_t k = 0; k < product().terms; ++k) {
            const auto* const from = values.data() + k * step + first;
            if (k + ahead < product().terms) fetch(from + ahead * step, width);
            T* const row = columns_.data() + k * scaled_columns;
            std::copy_n(from, width, row);
            std::fill(row + width, row + scaled_columns, T{0});
          }
        },
        given_.right.tensor.data);
    round_factor(std::span<T>(columns_.data(), product().terms * scaled_columns), given_.right);
    const std::vector<double>& squares = given_.right_squares().columns;
    for (std::size_t c = 0; c < width; ++c) column_norms_[c] = std::sqrt(squares[first + c]);
  }

  void add() {
    sums_.assign(rows_.size() * scaled_columns, 0);
    for (std::size_t part = 0; part < parts_.size(); ++part) {
      const T* const columns = columns_.data() + part * part_rows * scaled_columns;
      for (std::size_t i = 0; i < rows_.size(); ++i) {
        const std::span<const ScaledRow<T>> terms = parts_[part].of(rows_[i].row);
        if (!terms.empty()) loops_.add_scaled(terms.data(), terms.size(), columns, sums_.data() + i * scaled_columns);
      }
    }
  }

  void give(std::size_t i, std::size_t first) {
    const Row& row = rows_[i];
    if (is_zero_[row.row]) {
      values_.fill(0);
      errors_.fill(0);
    } else {
      const double relative = error_.relative * norms_[row.row];
      loops_.estimate({sums_.data() + i * scaled_columns, column_norms_.data(), relative, error_.absolute},
                      values_.data(), errors_.data());
    }
    judge::give(inquiry_, {row.row * product().columns + first, row.asked, values_.data(), errors_.data()},
                [&](std::size_t column) { return exact(row.row, column); });
  }

  /// Of all terms: one that is not finite makes NaN of a zero.
  double exact(std::size_t row, std::size_t column) {
    line_.assign(product().terms, 0);
    for (std::size_t part = 0; part < parts_.size(); ++part) {
      for (const ScaledRow<T>& term : parts_[part].of(row))
        line_[part * part_rows + term.first / scaled_columns] = static_cast<double>(term.factor);
    }
    double sum = 0;
    for (std::size_t k = 0; k < line_.size(); ++k)
      sum += line_[k] * static_cast<double>(columns_.data()[k * scaled_columns + column]);
    return sum;
  }

  const ArrayLoops<T>& loops_ = array_loops<T>();
  const GivenProduct& given_;
  Inquiry& inquiry_;
  std::vector<Part> parts_;
  SumError error_;
  AlignedValues<T> columns_;  ///< [terms, scaled_columns]
  std::array<double, scaled_columns> column_norms_{};
  std::vector<double> norms_;  ///< of rows
  std::vector<bool> is_zero_;  ///< rows
  std::vector<Row> rows_;
  std::vector<T> sums_;  ///< [rows_, scaled_columns]
  std::array<double, inquiry_block> values_{};
  std::array<double, inquiry_block> errors_{};
  std::vector<double> line_;  ///< workspace of exact()
};

}  // namespace

bool pays_to_scale(const GivenProduct& given, std::size_t elements) {
  const SlotProduct& product = given.product;
  if (product.right.lines != Lines::columns) return false;
  const auto of = [&](const auto& values) {
    std::size_t terms = 0;
    bool is_finite = true;
    for (const auto value : values) {
      terms += value != 0;
      is_finite = is_finite && std::isfinite(value);
    }
    return is_finite && terms * product.columns <= elements * (product.terms + terms_beside);
  };
  return std::visit(of, given.left.tensor.data);
}

template <class T>
void answer_by_scaled_rows(const GivenProduct& given, Inquiry& inquiry) {
  ScaledRows<T>(given, inquiry).answer();
}
template void answer_by_scaled_rows<float>(const GivenProduct&, Inquiry&);
template void answer_by_scaled_rows<double>(const GivenProduct&, Inquiry&);

}  // namespace ulpscope::judge
