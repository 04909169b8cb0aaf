// SPDX-License-Identifier: Apache-2.0
// Reading and writing a TensorFile: the content decides the container.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "core/io/sha256.hpp"
#include "core/io/tensor.hpp"

namespace ulpscope::io {

/// "--dtype kv=bf16": the bits of tensor `name` are those of `dtype`, whatever integer type of that width the file
/// says.
struct DTypeOverride {
  std::string name;
  DType dtype;
};

/// "kv=bf16" -> DTypeOverride; InputError where it is not NAME=DTYPE.
DTypeOverride parse_dtype_override(std::string_view text);

/// Reads a whole file; the content decides the container: safetensors, npz, or npy (one tensor named after the file).
/// InputError for anything malformed, and for an override that names no tensor or changes the width of elements.
TensorFile read_tensors(const std::filesystem::path& path, std::span<const DTypeOverride> overrides = {});

/// Writes .npz or .npy where the name ends so (npy: exactly one tensor), safetensors otherwise.
void write_tensors(const std::filesystem::path& path, const TensorFile& file);

/// Feeds names, dtypes, shapes and bytes, sorted by name and framed by their lengths: the same for every container.
void hash_tensors(Sha256& hash, const std::map<std::string, Tensor>& tensors);

}  // namespace ulpscope::io
