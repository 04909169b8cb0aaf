// SPDX-License-Identifier: Apache-2.0
// Rows in parts, by what precision says of one slot.
#include "core/compressor/channel_parts.hpp"

#include <algorithm>

namespace ulpscope::compressor {
namespace {

/// The arithmetic at one column of rows as wide as `width`.
SlotArithmetic at_column(SlotArithmetic slot, std::size_t column, std::size_t width) {
  slot.summation = precision::at_column(slot.summation, column, width);
  slot.exp = precision::at_channel(slot.exp, column, width);
  return slot;
}

/// Columns that start a part, and the end of the last.
class Boundaries {
 public:
  explicit Boundaries(const Columns& columns) : columns_(columns), at_{columns.first, columns.last} {}
  void add(const SlotArithmetic& slot, std::size_t width) {
    add(precision::alike_columns(slot.summation, width));
    add(precision::alike_channels(slot.exp, width));
  }
  const std::vector<std::size_t>& sorted() {
    std::sort(at_.begin(), at_.end());
    at_.erase(std::unique(at_.begin(), at_.end()), at_.end());
    return at_;
  }

 private:
  void add(std::size_t column) {
    if (column > columns_.first && column < columns_.last) at_.push_back(column);
  }
  Columns columns_;
  std::vector<std::size_t> at_;
};

}  // namespace

std::vector<ChannelPart> channel_parts(const SlotArithmetics& arithmetic, std::span<const Slot> slots,
                                       std::size_t head_dim) {
  Boundaries boundaries({0, head_dim});
  for (const Slot slot : slots) boundaries.add(arithmetic[slot.index()], head_dim);
  const std::vector<std::size_t>& at = boundaries.sorted();
  std::vector<ChannelPart> parts;
  for (std::size_t i = 0; i + 1 < at.size(); ++i) {
    ChannelPart part{at[i], at[i + 1], arithmetic};
    for (const Slot slot : slots) {
      part.arithmetic[slot.index()] = at_column(arithmetic[slot.index()], part.first, head_dim);
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

std::vector<ColumnPart> column_parts(const SlotArithmetic& arithmetic, const Columns& columns, std::size_t width) {
  Boundaries boundaries(columns);
  boundaries.add(arithmetic, width);
  const std::vector<std::size_t>& at = boundaries.sorted();
  std::vector<ColumnPart> parts;
  for (std::size_t i = 0; i + 1 < at.size(); ++i) {
    parts.push_back({{at[i], at[i + 1]}, at_column(arithmetic, at[i], width)});
  }
  return parts;
}

}  // namespace ulpscope::compressor
