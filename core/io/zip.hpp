// SPDX-License-Identifier: Apache-2.0
// The part of the zip container that npz files use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/io/atomic_file.hpp"
#include "core/io/mapped_file.hpp"

namespace ulpscope::io {

/// CRC-32 of zip and PNG (polynomial 0xEDB88320, reflected); `crc` continues an earlier call.
std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t crc = 0);

/// One entry, as the central directory and the local header agree on it.
struct ZipEntry {
  std::string name;
  std::uint16_t method = 0;  ///< 0 stored, 8 deflated
  std::uint32_t crc = 0;
  std::size_t begin = 0;  ///< offset of the (compressed) data in the file
  std::size_t compressed_size = 0;
  std::size_t size = 0;  ///< after decompression
};

/// A zip archive whose directory has been read and checked whole. InputError for truncation, offsets outside the file,
/// entries that overlap, headers that disagree, duplicate or unsafe names, encryption, methods other than 0 and 8, and
/// sizes that the compressed bytes cannot hold.
class ZipArchive {
 public:
  explicit ZipArchive(const std::filesystem::path& path);

  const std::vector<ZipEntry>& entries() const { return entries_; }
  const std::filesystem::path& path() const { return file_.path(); }

  /// The content, checked against the CRC. A stored entry is a span of the mapping, a deflated one is put in `buffer`.
  std::span<const std::byte> read(const ZipEntry& entry, std::vector<std::byte>& buffer) const;

 private:
  MappedFile file_;
  std::vector<ZipEntry> entries_;
};

/// Writes stored entries, dated 1980-01-01; finish() writes the directory and commits the file.
class ZipWriter {
 public:
  explicit ZipWriter(const std::filesystem::path& path);

  /// Appends an entry whose content is `head` followed by `body`.
  void add(const std::string& name, std::string_view head, std::span<const std::byte> body);
  void finish();

 private:
  std::filesystem::path path_;
  AtomicFile file_;
  std::string directory_;
  std::size_t offset_ = 0;
  std::size_t count_ = 0;
};

}  // namespace ulpscope::io
