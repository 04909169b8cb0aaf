// SPDX-License-Identifier: Apache-2.0
// Where in a row a slot's order of summation or exponential changes: the row in parts that have one each.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/compressor/slot_arithmetic.hpp"

namespace ulpscope::compressor {

/// Channels [first, last) of a window's rows, and every slot's arithmetic there.
struct ChannelPart {
  std::size_t first = 0;
  std::size_t last = 0;
  SlotArithmetics arithmetic;
};
/// All channels of rows as wide as `head_dim`, in order: a part ends where the arithmetic of one of `slots` changes.
std::vector<ChannelPart> channel_parts(const SlotArithmetics& arithmetic, std::span<const Slot> slots,
                                       std::size_t head_dim);

/// Columns [first, last).
struct Columns {
  std::size_t first = 0;
  std::size_t last = 0;
};
/// Columns of rows that are summed, and the arithmetic of the sum there.
struct ColumnPart : Columns {
  SlotArithmetic arithmetic;
};
/// Some columns of rows as wide as `width`, in order.
std::vector<ColumnPart> column_parts(const SlotArithmetic& arithmetic, const Columns& columns, std::size_t width);

}  // namespace ulpscope::compressor
