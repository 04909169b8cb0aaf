// SPDX-License-Identifier: Apache-2.0
// Files made byte by byte for tests, and what a reader says about them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/error.hpp"
#include "core/io/zip.hpp"

namespace ulpscope::test {

inline void put(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string get(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The sentence with which `action` refuses, or "(accepted)".
template <class Action>
std::string refusal(Action action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "(accepted)";
}

/// `size` bytes, little endian.
inline std::string number(std::uint64_t value, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out += i < sizeof value ? static_cast<char>(value >> (8 * i) & 0xFF) : '\0';
  return out;
}

inline std::string safetensors(const std::string& header, const std::string& data = "") {
  return number(header.size(), 8) + header + data;
}

/// A version 1 .npy; the dictionary is written as it stands.
inline std::string npy(const std::string& dictionary, const std::string& data = "") {
  return std::string("\x93NUMPY\x01\0", 8) + number(dictionary.size(), 2) + dictionary + data;
}

inline std::string npy(const std::string& descr, const std::string& shape, const std::string& data) {
  return npy("{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }\n", data);
}

/// One zip entry; what is set overrides what would be right.
struct Entry {
  std::string name = {};
  std::string content = {};
  std::uint64_t method = 0;
  std::uint64_t flags = 0;
  std::optional<std::uint64_t> crc = {}, size = {}, compressed_size = {}, offset = {};  // in the directory
  std::optional<std::uint64_t> local_size = {};
  std::optional<std::string> local_name = {};
  std::string extra = {};  // of the directory
};

/// The end record; what is set overrides what would be right.
struct End {
  std::optional<std::uint64_t> count = {}, directory_size = {}, directory_offset = {};
  std::uint64_t disk = 0;
  std::string comment = {};
  std::string before = {};  // zip64 records
};

inline std::string zip(const std::vector<Entry>& entries, const End& end = {}) {
  std::string out, directory;
  for (const Entry& entry : entries) {
    const std::uint64_t length = entry.content.size();
    const std::uint64_t crc = entry.crc.value_or(io::crc32(std::as_bytes(std::span(entry.content))));
    const std::string head =
        number(20, 2) + number(entry.flags, 2) + number(entry.method, 2) + number(0, 4) + number(crc, 4);
    const std::string local_name = entry.local_name.value_or(entry.name);
    const std::uint64_t offset = entry.offset.value_or(out.size());
    out += "PK\x03\x04" + head + number(entry.compressed_size.value_or(length), 4) +
           number(entry.local_size.value_or(entry.size.value_or(length)), 4) + number(local_name.size(), 2) +
           number(0, 2) + local_name + entry.content;
    directory += "PK\x01\x02" + number(20, 2) + head + number(entry.compressed_size.value_or(length), 4) +
                 number(entry.size.value_or(length), 4) + number(entry.name.size(), 2) + number(entry.extra.size(), 2) +
                 number(0, 10) + number(offset, 4) + entry.name + entry.extra;
  }
  const std::uint64_t count = end.count.value_or(entries.size());
  const std::uint64_t at = end.directory_offset.value_or(out.size());
  return out + directory + end.before + "PK\x05\x06" + number(end.disk, 2) + number(0, 2) + number(count, 2) +
         number(count, 2) + number(end.directory_size.value_or(directory.size()), 4) + number(at, 4) +
         number(end.comment.size(), 2) + end.comment;
}

}  // namespace ulpscope::test
