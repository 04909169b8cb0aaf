// SPDX-License-Identifier: Apache-2.0
// numpy's .npy and .npz containers.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/io/tensor_file.hpp"

namespace ulpscope::io {

/// One .npy array: a tensor, or the text of an array of strings (one: itself; several: a JSON array of them).
struct NpyArray {
  std::optional<Tensor> tensor;
  std::string text;
};

/// Parses a whole .npy (format 1, 2 or 3; C and Fortran order; either byte order) to row-major little endian. V2
/// arrives as u16, V1 as u8. InputError headed by `where` for anything else, or if the size is not exactly what the
/// header says.
NpyArray parse_npy(std::span<const std::byte> bytes, std::string_view where);

/// The header (magic, version 1.0, padded to 64 bytes) of a row-major array.
std::string npy_header(std::string_view descr, const Shape& shape);

/// Reads an .npz: one entry NAME.npy per tensor, arrays of strings as metadata. Stored and (built with zlib) deflated
/// entries. The dtypes that numpy lacks come back as write_npz noted them, else as u16 and u8.
TensorFile read_npz(const std::filesystem::path& path);

/// Writes atomically and reproducibly (sorted names, stored, dates 1980-01-01). bf16 is uint16 and the 8-bit floats are
/// uint8; the entry "ulpscope.dtypes" notes which. InputError where a name is both tensor and metadata, or beyond 4
/// GiB.
void write_npz(const std::filesystem::path& path, const TensorFile& file);

/// Reads one .npy; the tensor is named after the file.
TensorFile read_npy(const std::filesystem::path& path);

/// Writes one tensor atomically; bf16 as uint16, the 8-bit floats as uint8.
void write_npy(const std::filesystem::path& path, const Tensor& tensor);

}  // namespace ulpscope::io
