// SPDX-License-Identifier: Apache-2.0
// The safetensors container: a checked, memory-mapped view, and the writer.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/io/mapped_file.hpp"
#include "core/io/tensor_file.hpp"

namespace ulpscope::io {

/// What the header says of one tensor. `dtype` is absent for types that safetensors knows and we do not read (I8,
/// F8_E8M0 ...): a checkpoint may hold them beside the tensors that are asked for.
struct SafetensorsInfo {
  std::string dtype_name;
  std::optional<DType> dtype;
  Shape shape;
  std::size_t begin = 0;  ///< first byte, counted from the end of the header
  std::size_t end = 0;    ///< one past the last
};

/// A safetensors file whose header has been read and checked whole; tensors are read one by one, by name.
/// Checked: header length against the file, JSON object without duplicate keys, fields, dtype, shape product, byte
/// ranges that tile the data without hole or overlap up to the end of the file, metadata of strings.
class SafetensorsView {
 public:
  explicit SafetensorsView(const std::filesystem::path& path);

  const std::map<std::string, SafetensorsInfo>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::filesystem::path& path() const { return file_.path(); }

  std::vector<std::string> names() const;  ///< sorted
  bool contains(const std::string& name) const { return tensors_.contains(name); }

  /// InputError, with the nearest name, where there is no such tensor.
  const SafetensorsInfo& info(const std::string& name) const;

  /// The bytes in the mapping, uncopied; valid as long as this view.
  std::span<const std::byte> bytes(const std::string& name) const;

  /// A copy of one tensor; InputError where its dtype is not one that we read.
  Tensor read(const std::string& name) const;

 private:
  MappedFile file_;
  std::map<std::string, SafetensorsInfo> tensors_;
  std::map<std::string, std::string> metadata_;
  std::size_t data_begin_ = 0;
};

/// Writes atomically. Same content, same bytes: metadata by key, tensors by dtype (widest first, so that all are
/// aligned) and then name, the header padded to 8 bytes: the layout of the reference implementation.
void write_safetensors(const std::filesystem::path& path, const TensorFile& file);

}  // namespace ulpscope::io
