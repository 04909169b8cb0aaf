// SPDX-License-Identifier: Apache-2.0
// Lines of both factors in parts: those of a block of the right one stay in the second cache, a part of it in the
// first.
#include "core/judge/product_elements.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <type_traits>

#include "core/judge/array_loops.hpp"
#include "precision/round_array.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::judge {
namespace {

using Elements = std::vector<std::size_t>;

/// Lines of a block, and of a panel of it, whose parts meet a line's together.
constexpr std::size_t panel_lines = 16;
constexpr std::size_t block_panels = 8;
constexpr std::size_t block_lines = block_panels * panel_lines;
/// Elements up to this share of a product are summed in fp64: the errors of few estimates do not average out.
constexpr std::size_t few_share = 64;
/// Of sums of squares in floats: they are off by less.
constexpr double margin = 1.01;
using Needed = std::array<bool, block_lines>;

/// Values that start a cache line: packs that lie across two cost two reads.
template <class T>
class AlignedValues {
 public:
  explicit AlignedValues(std::size_t count) : lines_((count + per_line - 1) / per_line) {}
  T* data() { return lines_.data()->data(); }
  const T* data() const { return lines_.data()->data(); }

 private:
  static constexpr std::size_t cache_line = 64;
  static constexpr std::size_t per_line = cache_line / sizeof(T);
  struct alignas(cache_line) Line : std::array<T, per_line> {};
  std::vector<Line> lines_;
};

/// Some lines of a factor as the stage reads them: [panels, parts, panel_lines, part_terms], missing terms 0.
template <class T>
class LineBlock {
 public:
  LineBlock(const ProductFactor& factor, const GivenFactor& given, std::size_t terms)
      : factor_(factor),
        given_(given),
        terms_(terms),
        parts_((terms + part_terms - 1) / part_terms),
        values_(block_lines * parts_ * part_terms) {}

  /// Lines from `first` on; what is not needed may be anything.
  void load(std::size_t first, const Needed& needed) {
    std::visit(
        [&](const auto& values) {
          const auto* const from = values.data() + first * factor_.stride();
          factor_.lines == Lines::rows ? copy(from, needed) : turn(from, factor_.width - first);
        },
        given_.tensor.data);
    for (std::size_t line = 0; line < block_lines; ++line) {
      if (needed[line]) measure(line);
    }
  }

  std::size_t parts() const { return parts_; }
  /// The lines of a panel.
  const T* part(std::size_t panel, std::size_t i) const {
    return values_.data() + (panel * parts_ + i) * panel_lines * part_terms;
  }
  const T* part_of_line(std::size_t line, std::size_t i) const {
    return part(line / panel_lines, i) + line % panel_lines * part_terms;
  }
  /// At least the Euclidean norm; infinite or NaN where something is not finite, or its square is out of range. 0:
  /// nothing but zeros.
  double norm(std::size_t line) const { return norms_[line]; }

 private:
  T* at(std::size_t line, std::size_t term) {
    const std::size_t panel = line / panel_lines * parts_ + term / part_terms;
    return values_.data() + (panel * panel_lines + line % panel_lines) * part_terms + term % part_terms;
  }
  void round(T* values, std::size_t count) const {
    if (given_.format) precision::round_array({values, count}, {values, count}, *given_.format);
  }
  template <class From>
  static T converted(From x) {
    return static_cast<T>(x);
  }

  template <class From>
  void copy(const From* from, const Needed& needed) {
    for (std::size_t line = 0; line < block_lines; ++line) {
      for (std::size_t k = 0; needed[line] && k < terms_; k += part_terms) {
        const From* const part = from + line * terms_ + k;
        const std::size_t count = std::min(part_terms, terms_ - k);
        std::transform(part, part + count, at(line, k), converted<From>);
        round(at(line, k), count);
      }
    }
  }

  /// By way of a few terms that lie in the first cache: rows of the matrix are often whole pages apart.
  template <class From>
  void turn(const From* from, std::size_t lines_left) {
    const std::size_t count = std::min(block_lines, lines_left);
    static_assert(panel_lines == turned_side && part_terms % turned_side == 0);
    std::array<T, turned_side * block_lines> rows{};
    for (std::size_t k = 0; k < terms_; k += turned_side) {
      const std::size_t some = std::min(turned_side, terms_ - k);
      if (some < turned_side) rows.fill(0);
      for (std::size_t i = 0; i < some; ++i) {
        const From* const row = from + (k + i) * factor_.width;
        std::transform(row, row + count, rows.data() + i * block_lines, converted<From>);
      }
      round(rows.data(), rows.size());
      for (std::size_t line = 0; line < block_lines; line += panel_lines)
        array_loops<T>().turn(rows.data() + line, block_lines, at(line, k));
    }
  }

  void measure(std::size_t line) {
    std::array<T, sum_lanes> lanes{};
    bool is_zero = true;
    for (std::size_t i = 0; i < parts_; ++i) {
      const T* const values = part_of_line(line, i);
      const std::uint8_t itself = 0;
      array_loops<T>().add_parts({values, values, &itself, 1}, lanes.data());
      is_zero = is_zero && std::all_of(values, values + part_terms, [](T x) { return x == 0; });
    }
    const double lost = static_cast<double>(terms_) * static_cast<double>(std::numeric_limits<T>::min());
    norms_[line] = is_zero ? 0 : std::sqrt(margin * std::accumulate(lanes.begin(), lanes.end(), 0.0) + lost);
  }

  const ProductFactor& factor_;
  const GivenFactor& given_;
  std::size_t terms_;
  std::size_t parts_;
  AlignedValues<T> values_;
  std::array<double, block_lines> norms_{};
};

/// The elements of a row of the product: [next, end) of the list are still to be entered.
struct RowElements {
  std::size_t row;
  std::size_t next;
  std::size_t end;
};
/// Neighbours in the list that are of one row and one panel.
struct Run {
  std::size_t row;
  std::size_t first;  ///< of the list
  std::size_t place;  ///< of the first one's sums
  std::size_t count;
};

std::vector<RowElements> rows_of(const Elements& elements, std::size_t columns) {
  std::vector<RowElements> rows;
  for (std::size_t k = 0; k < elements.size(); k = rows.back().end) {
    const std::size_t row = elements[k] / columns;
    const auto from = elements.begin() + static_cast<std::ptrdiff_t>(k);
    const auto end = std::lower_bound(from, elements.end(), (row + 1) * columns);
    rows.push_back({row, k, static_cast<std::size_t>(end - elements.begin())});
  }
  return rows;
}

/// All lines that rows of elements need.
template <class T>
class LeftLines {
 public:
  LeftLines(const SlotProduct& product, const GivenFactor& given, const std::vector<RowElements>& rows) {
    blocks_.resize((product.rows + block_lines - 1) / block_lines);
    for (std::size_t n = 0; n < rows.size();) {
      const std::size_t block = rows[n].row / block_lines;
      Needed needed{};
      for (; n < rows.size() && rows[n].row / block_lines == block; ++n) needed[rows[n].row % block_lines] = true;
      blocks_[block] = std::make_unique<LineBlock<T>>(product.left, given, product.terms);
      blocks_[block]->load(block * block_lines, needed);
    }
  }
  const T* part(std::size_t row, std::size_t i) const { return block(row).part_of_line(row % block_lines, i); }
  double norm(std::size_t row) const { return block(row).norm(row % block_lines); }

 private:
  const LineBlock<T>& block(std::size_t row) const { return *blocks_[row / block_lines]; }
  std::vector<std::unique_ptr<LineBlock<T>>> blocks_;
};

template <class T>
class Walk {
 public:
  /// `settled` null: sums are in fp64.
  Walk(const SlotProduct& product, const GivenFactor& left, const GivenFactor& right, const Settled* settled)
      : product_(product), left_(left), right_(product.right, right, product.terms), settled_(settled) {
    const precision::Format fp32 = precision::parse_format("fp32");
    // Additions within a lane, of lanes, of parts; the last ones are in fp64.
    const std::size_t additions = part_terms / part_lanes + part_lanes / sum_lanes + right_.parts();
    error_ = sum_error(additions, fp32, precision::unit_roundoff(fp32));
    error_.absolute = static_cast<double>(product.terms) * precision::min_normal(fp32);
  }

  std::vector<double> sums(const Elements& elements) {
    std::vector<double> values(elements.size());
    std::vector<RowElements> rows = rows_of(elements, product_.columns);
    const LeftLines<T> left(product_, left_, rows);
    std::erase_if(rows, [&](const RowElements& row) { return left.norm(row.row) == 0; });
    for (std::size_t first = 0; first < product_.columns; first += block_lines) {
      const Needed needed = enter(rows, elements, first);
      if (places_.empty()) continue;
      right_.load(first, needed);
      sums_.assign(places_.size() * sum_lanes, 0);
      for (std::size_t panel = 0; panel < block_panels; ++panel) {
        add_panel(left, panel);
        add_values(left, panel, values);
      }
    }
    return values;
  }

 private:
  /// The lines that some row needs.
  Needed enter(std::vector<RowElements>& rows, const Elements& elements, std::size_t first) {
    Needed needed{};
    places_.clear();
    for (std::vector<Run>& runs : runs_) runs.clear();
    for (RowElements& row : rows) {
      const std::size_t begin = row.row * product_.columns + first;
      const std::size_t end = std::min(begin + block_lines, (row.row + 1) * product_.columns);
      while (row.next != row.end && elements[row.next] < end) {
        const std::size_t panel = (elements[row.next] - begin) / panel_lines;
        const std::size_t panel_begin = begin + panel * panel_lines;
        const std::size_t panel_end = std::min(panel_begin + panel_lines, end);
        Run run{row.row, row.next, places_.size(), 0};
        for (; row.next != row.end && elements[row.next] < panel_end; ++row.next, ++run.count) {
          needed[elements[row.next] - begin] = true;
          places_.push_back(static_cast<std::uint8_t>(elements[row.next] - panel_begin));
        }
        runs_[panel].push_back(run);
      }
    }
    return needed;
  }

  void add_panel(const LeftLines<T>& left, std::size_t panel) {
    const ArrayLoops<T>& loops = array_loops<T>();
    for (std::size_t i = 0; i < right_.parts(); ++i) {
      for (const Run& run : runs_[panel]) {
        loops.add_parts({left.part(run.row, i), right_.part(panel, i), places_.data() + run.place, run.count},
                        sums_.data() + run.place * sum_lanes);
      }
    }
  }

  void add_values(const LeftLines<T>& left, std::size_t panel, std::vector<double>& values) const {
    for (const Run& run : runs_[panel]) {
      const double norm = left.norm(run.row);
      for (std::size_t i = 0; i < run.count; ++i) {
        const std::size_t line = panel * panel_lines + places_[run.place + i];
        if (right_.norm(line) == 0) continue;
        const double sum = sum_at(run.place + i);
        const double error = error_.relative * norm * right_.norm(line) + error_.absolute;
        const bool is_known = settled_ == nullptr || (*settled_)(run.first + i, sum - error, sum + error);
        values[run.first + i] = is_known ? sum : exact(run.row, line, left);
      }
    }
  }

  double sum_at(std::size_t place) const {
    std::array<double, sum_lanes / 2> halves;
    const T* const lanes = sums_.data() + place * sum_lanes;
    for (std::size_t i = 0; i < halves.size(); ++i)
      halves[i] = static_cast<double>(lanes[i]) + static_cast<double>(lanes[i + halves.size()]);
    return (halves[0] + halves[2]) + (halves[1] + halves[3]);
  }

  double exact(std::size_t row, std::size_t line, const LeftLines<T>& left) const {
    double sum = 0;
    for (std::size_t i = 0; i < right_.parts(); ++i) {
      const std::size_t terms = std::min(part_terms, product_.terms - i * part_terms);
      sum += dot(left.part(row, i), right_.part_of_line(line, i), terms);
    }
    return sum;
  }

  const SlotProduct& product_;
  const GivenFactor& left_;
  LineBlock<T> right_;
  const Settled* settled_;
  SumError error_;                    ///< of a sum in fp32
  std::vector<std::uint8_t> places_;  ///< of the block's elements: their lines in the panel
  std::array<std::vector<Run>, block_panels> runs_;
  std::vector<T> sums_;  ///< [elements of the block, sum_lanes]
};

}  // namespace

SumError sum_error(std::size_t terms, const precision::Format& format, double unit) {
  const auto count = static_cast<double>(terms);
  return {std::expm1((count + 1) * unit), count * precision::min_normal(format)};
}

bool ProductElements::fits_floats() const {
  const auto fits = [](const GivenFactor& factor) {
    return std::holds_alternative<io::Buffer<float>>(factor.tensor.data) &&
           (!factor.format || precision::Rounder<float>::supports(*factor.format));
  };
  return fits(left_) && fits(right_);
}

std::vector<double> ProductElements::sums(const Elements& elements, const Settled& settled) const {
  const bool are_few = elements.size() <= product_.rows * product_.columns / few_share;
  if (settled && !are_few && fits_floats()) return Walk<float>(product_, left_, right_, &settled).sums(elements);
  return Walk<double>(product_, left_, right_, nullptr).sums(elements);
}

}  // namespace ulpscope::judge
