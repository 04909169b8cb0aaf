// SPDX-License-Identifier: Apache-2.0
// Block of lines by block of lines: those of the right factor stay in the second cache, a part of a panel in the first.
#include "core/judge/product_dots.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "core/judge/product_answer.hpp"

namespace ulpscope::judge {
namespace {

static_assert(inquiry_block % panel_lines == 0);
constexpr Neighbours panel_neighbours = (Neighbours{1} << panel_lines) - 1;
constexpr std::size_t inquiries = block_lines / inquiry_block;

/// What is asked of one row of the product.
struct Row {
  std::size_t row;  ///< of the block
  std::array<Neighbours, inquiries> asked;
  std::size_t sums = 0;  ///< the first one's; none of a line of zeros
};
/// Of that, what one panel meets.
struct Run {
  std::size_t row;
  std::size_t sums;
  std::size_t count;
};

template <class T>
class Dots {
 public:
  Dots(const GivenProduct& given, Inquiry& inquiry)
      : given_(given),
        inquiry_(inquiry),
        left_((product().rows + block_lines - 1) / block_lines),
        right_(product().right, given.right, product().terms),
        // Additions within a lane, of lanes, of parts; the last ones are in fp64.
        error_(estimate_error<T>(product().terms, part_terms / part_lanes + part_lanes / sum_lanes + right_.parts())) {}

  void answer() {
    for (std::size_t first = 0; first < product().columns; first += block_lines) {
      right_.begin(first);
      for (std::size_t block = 0; block < left_.size(); ++block) {
        if (!find(block, first)) continue;
        sums_.assign(lines_.size() * sum_lanes, 0);
        for (std::size_t panel = 0; panel < block_panels; ++panel) add_panel(block, panel);
        for (const Row& row : rows_) give(block, first, row);
      }
    }
  }

 private:
  const SlotProduct& product() const { return given_.product; }

  /// What is asked of these rows and columns, and the lines that it needs; whether there is any.
  bool find(std::size_t block, std::size_t first) {
    rows_.clear();
    LineSet needed{};
    const std::size_t width = std::min(block_lines, product().columns - first);
    const std::size_t rows = std::min(block_lines, product().rows - block * block_lines);
    for (std::size_t line = 0; line < rows; ++line) {
      const std::size_t from = (block * block_lines + line) * product().columns + first;
      Row row{line, {}};
      for (std::size_t i = 0; i * inquiry_block < width; ++i)
        row.asked[i] = inquiry_.find(from + i * inquiry_block, std::min(inquiry_block, width - i * inquiry_block));
      needed[line] = std::any_of(row.asked.begin(), row.asked.end(), [](Neighbours some) { return some != 0; });
      if (needed[line]) rows_.push_back(row);
    }
    if (rows_.empty()) return false;
    if (left_[block] == nullptr) {
      left_[block] = std::make_unique<LineBlock<T>>(product().left, given_.left, product().terms);
      left_[block]->begin(block * block_lines);
    }
    left_[block]->load(needed);
    divide(*left_[block]);
    return true;
  }

  /// Rows into runs of one panel each. What meets a line of zeros is known.
  void divide(const LineBlock<T>& left) {
    LineSet needed{};
    lines_.clear();
    for (std::vector<Run>& runs : runs_) runs.clear();
    for (Row& row : rows_) {
      row.sums = lines_.size();
      if (left.norm(row.row) == 0) continue;
      for (std::size_t panel = 0; panel < block_panels; ++panel) {
        const std::size_t line = panel * panel_lines;
        const Neighbours some = row.asked[line / inquiry_block] >> line % inquiry_block & panel_neighbours;
        if (some == 0) continue;
        const std::size_t first = lines_.size();
        for_each_place(some, [&](std::size_t place) {
          needed[line + place] = true;
          lines_.push_back(static_cast<std::uint8_t>(place));
        });
        runs_[panel].push_back({row.row, first, lines_.size() - first});
      }
    }
    right_.load(needed);
  }

  void add_panel(std::size_t block, std::size_t panel) {
    const ArrayLoops<T>& loops = array_loops<T>();
    for (std::size_t i = 0; i < right_.parts(); ++i) {
      for (const Run& run : runs_[panel]) {
        loops.add_parts(
            {left_[block]->part_of_line(run.row, i), right_.part(panel, i), lines_.data() + run.sums, run.count},
            sums_.data() + run.sums * sum_lanes);
      }
    }
  }

  void give(std::size_t block, std::size_t first, const Row& row) {
    const LineBlock<T>& left = *left_[block];
    const double norm = left.norm(row.row);
    const std::size_t element = (block * block_lines + row.row) * product().columns + first;
    std::size_t sum = row.sums;
    for (std::size_t i = 0; i < inquiries; ++i) {
      const std::size_t line = i * inquiry_block;
      for_each_place(row.asked[i], [&](std::size_t place) {
        const double other = norm == 0 ? 0 : right_.norm(line + place);
        values_[place] = other == 0 ? 0 : sum_at(sum);
        errors_[place] = other == 0 ? 0 : error_.of(norm, other);
        ++sum;
      });
      judge::give(inquiry_, {element + line, row.asked[i], values_.data(), errors_.data()},
                  [&](std::size_t place) { return exact(left, row.row, line + place); });
    }
  }

  double sum_at(std::size_t place) const {
    std::array<double, sum_lanes / 2> halves;
    const T* const lanes = sums_.data() + place * sum_lanes;
    for (std::size_t i = 0; i < halves.size(); ++i)
      halves[i] = static_cast<double>(lanes[i]) + static_cast<double>(lanes[i + halves.size()]);
    return (halves[0] + halves[2]) + (halves[1] + halves[3]);
  }

  double exact(const LineBlock<T>& left, std::size_t row, std::size_t line) const {
    double sum = 0;
    for (std::size_t i = 0; i < right_.parts(); ++i) {
      const std::size_t terms = std::min(part_terms, product().terms - i * part_terms);
      sum += dot(left.part_of_line(row, i), right_.part_of_line(line, i), terms);
    }
    return sum;
  }

  const GivenProduct& given_;
  Inquiry& inquiry_;
  std::vector<std::unique_ptr<LineBlock<T>>> left_;  ///< null: none of its lines was needed
  LineBlock<T> right_;
  SumError error_;
  std::vector<Row> rows_;
  std::array<std::vector<Run>, block_panels> runs_;
  std::vector<std::uint8_t> lines_;  ///< of runs: which lines of their panels
  std::vector<T> sums_;              ///< [lines_, sum_lanes]
  std::array<double, inquiry_block> values_{};
  std::array<double, inquiry_block> errors_{};
};

}  // namespace

template <class T>
void answer_by_dots(const GivenProduct& given, Inquiry& inquiry) {
  Dots<T>(given, inquiry).answer();
}
template void answer_by_dots<float>(const GivenProduct&, Inquiry&);
template void answer_by_dots<double>(const GivenProduct&, Inquiry&);

}  // namespace ulpscope::judge
