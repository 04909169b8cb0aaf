// SPDX-License-Identifier: Apache-2.0
// Decompression of deflated zip entries: zlib's, where the build has it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace ulpscope::io {

/// The `size` bytes that the raw deflate stream `compressed` holds. InputError headed by `where` if the stream is
/// broken or holds more or fewer bytes, or if this build has no zlib.
std::vector<std::byte> inflate(std::span<const std::byte> compressed, std::size_t size, const std::string& where);

}  // namespace ulpscope::io
