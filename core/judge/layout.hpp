// SPDX-License-Identifier: Apache-2.0
// Layout: which window and which channel an element of a slot belongs to.
#pragma once

#include <cstddef>
#include <string>

#include "core/compressor/config.hpp"
#include "core/compressor/slot.hpp"

namespace ulpscope::judge {

/// Flat element -> row (all indices but the last) and channel (the last); row -> window.
/// `windows` 0: the slot has no window axis (weights, ape, gamma). Tokens after the last whole window form one more.
struct Layout {
  std::size_t rows = 0;
  std::size_t channels = 1;
  std::size_t windows = 0;  ///< of all batch rows together
  std::size_t windows_per_batch = 0;
  std::size_t rows_per_batch = 1;
  std::size_t rows_per_window = 1;
  bool has_channels = false;  ///< false: the last axis is not a feature channel (mean_square)

  std::size_t size() const { return rows * channels; }
  std::size_t window_of_row(std::size_t row) const {
    return row / rows_per_batch * windows_per_batch + row % rows_per_batch / rows_per_window;
  }
};

/// `shape` is the tensor's own: a dump may hold only the first n*ratio token rows.
Layout layout_of(compressor::Slot slot, const compressor::Shape& shape, const compressor::Config& config);

/// Of a tensor that is no slot: rows of its last axis.
Layout plain_layout(const compressor::Shape& shape);

/// Where an element stands, in the words of the glossary.
struct Place {
  std::size_t batch = 0;
  std::size_t window = 0;      ///< of its batch row
  std::size_t slot_index = 0;  ///< row within the window: softmax slot r, or token within the window
  std::size_t channel = 0;
};
Place place_of(std::size_t flat, const Layout& layout);
/// "window 0, slot 3, channel 17", "window 2 of batch row 1, channel 4"; "[3,17]" where there is no window axis.
std::string to_string(const Place& place, const Layout& layout);

}  // namespace ulpscope::judge
