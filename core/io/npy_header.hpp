// SPDX-License-Identifier: Apache-2.0
// The header of a .npy array: a Python dictionary of descr, fortran_order and shape.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "core/io/tensor.hpp"

namespace ulpscope::io {

enum class ByteOrder : std::uint8_t { little, big };
enum class Layout : std::uint8_t { row_major, column_major };

/// What the header says, and where the data begin.
struct NpyHeader {
  char kind = 0;                 ///< numpy's letter: f i u b V S U
  std::size_t element_size = 0;  ///< bytes per element; of U: 4 per character
  ByteOrder order = ByteOrder::little;
  Layout layout = Layout::row_major;
  Shape shape;
  std::size_t data_begin = 0;
};

/// Reads magic, version and dictionary. InputError headed by `where` for anything else.
NpyHeader read_npy_header(std::span<const std::byte> bytes, const std::string& where);

}  // namespace ulpscope::io
