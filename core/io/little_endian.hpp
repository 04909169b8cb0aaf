// SPDX-License-Identifier: Apache-2.0
// Little-endian numbers in byte buffers: the words of zip and npy headers.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>

namespace ulpscope::io {

/// The number at `offset`. Precondition: it lies within the bytes.
template <std::unsigned_integral T>
T load_little_endian(std::span<const std::byte> bytes, std::size_t offset) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;) {
    value = static_cast<T>((sizeof(T) > 1 ? value << 8 : 0) | std::to_integer<T>(bytes[offset + i]));
  }
  return value;
}

template <std::unsigned_integral T>
void append_little_endian(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
}

}  // namespace ulpscope::io
