// SPDX-License-Identifier: Apache-2.0
// The zip reader: the whole directory is checked before any entry is read [PKWARE APPNOTE 6.3.10, section 4.3].
#include "core/io/zip.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <set>

#include "core/io/error.hpp"
#include "core/io/inflate.hpp"
#include "core/io/little_endian.hpp"
#include "core/io/names.hpp"

namespace ulpscope::io {
namespace {

constexpr std::uint32_t local_signature = 0x04034b50, central_signature = 0x02014b50, end_signature = 0x06054b50;
constexpr std::uint32_t end64_signature = 0x06064b50, locator64_signature = 0x07064b50;
constexpr std::size_t local_size = 30, central_size = 46, end_size = 22, end64_size = 56, locator64_size = 20;
constexpr std::uint16_t encrypted_flag = 1, descriptor_flag = 8;
constexpr std::uint32_t in_zip64 = 0xFFFFFFFF;  // "look into the zip64 extra field"
constexpr std::size_t greatest_deflate_ratio = 1032;

using Bytes = std::span<const std::byte>;

std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// Whether [offset, offset + length) lies within `size`, without overflow.
bool within(std::size_t offset, std::size_t length, std::size_t size) {
  return offset <= size && length <= size - offset;
}

/// Nothing is ever unpacked to disk; still, a name that tries to leave its folder means harm.
bool is_safe_name(const std::string& name) {
  if (name.empty() || name.front() == '/' || name.find('\\') != std::string::npos || !is_utf8(name)) return false;
  if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; })) return false;
  const std::string path = "/" + name + "/";
  return path.find("/../") == std::string::npos && path.find("/./") == std::string::npos;
}

struct Directory {
  std::size_t offset = 0;
  std::size_t size = 0;
  std::size_t count = 0;
  std::size_t end = 0;  // where the records that follow the directory begin
};

class DirectoryReader {
 public:
  explicit DirectoryReader(const MappedFile& file) : where_(shown(file.path())), bytes_(file.bytes()) {}

  std::vector<ZipEntry> entries() const {
    const Directory directory = find_directory();
    std::vector<ZipEntry> out;
    std::vector<std::pair<std::size_t, std::size_t>> ranges;
    std::set<std::string> names;
    Bytes rest = bytes_.subspan(directory.offset, directory.size);
    while (!rest.empty()) {
      std::size_t header_offset = 0;
      out.push_back(central(rest, header_offset));
      ZipEntry& entry = out.back();
      if (!names.insert(entry.name).second) refuse("zip entry " + in_quotes(entry.name) + " appears twice");
      local(header_offset, entry, directory.offset);
      ranges.emplace_back(header_offset, entry.begin + entry.compressed_size);
    }
    if (out.size() != directory.count) {
      refuse("the zip directory is said to hold " + std::to_string(directory.count) + " entries and holds " +
             std::to_string(out.size()));
    }
    check_disjoint(ranges);
    return out;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw InputError(where_ + ": " + what); }

  std::uint16_t u16(Bytes bytes, std::size_t offset) const { return load_little_endian<std::uint16_t>(bytes, offset); }
  std::uint32_t u32(Bytes bytes, std::size_t offset) const { return load_little_endian<std::uint32_t>(bytes, offset); }
  std::size_t u64(Bytes bytes, std::size_t offset) const { return load_little_endian<std::uint64_t>(bytes, offset); }

  /// The end record is the last thing in the file but for a comment of the length that it states.
  std::size_t find_end_record() const {
    const std::size_t size = bytes_.size();
    for (std::size_t tail = end_size; tail <= std::min<std::size_t>(size, end_size + 0xFFFF); ++tail) {
      const std::size_t at = size - tail;
      if (u32(bytes_, at) == end_signature && u16(bytes_, at + 20) == tail - end_size) return at;
    }
    refuse("the zip directory is missing: the file is truncated or not an npz");
  }

  Directory find_directory() const {
    const std::size_t at = find_end_record();
    const Bytes record = bytes_.subspan(at);
    Directory directory = {u32(record, 16), u32(record, 12), u16(record, 10), at};
    if (u16(record, 4) != u16(record, 6) || u16(record, 8) != u16(record, 10))
      refuse("zip archives of several disks are not read");
    if (directory.offset == in_zip64 || directory.size == in_zip64 || directory.count == 0xFFFF)
      directory = find_directory64(at);
    if (!within(directory.offset, directory.size, directory.end)) {
      refuse("the zip directory (" + std::to_string(directory.size) + " bytes at " + std::to_string(directory.offset) +
             ") does not lie within the file's " + std::to_string(bytes_.size()) + " bytes");
    }
    return directory;
  }

  Directory find_directory64(std::size_t end_record) const {
    if (end_record < locator64_size || u32(bytes_, end_record - locator64_size) != locator64_signature) {
      refuse("the zip64 directory is missing");
    }
    const std::size_t at = u64(bytes_, end_record - locator64_size + 8);
    if (!within(at, end64_size, end_record) || u32(bytes_, at) != end64_signature)
      refuse("the zip64 directory is missing");
    return {u64(bytes_, at + 48), u64(bytes_, at + 40), u64(bytes_, at + 32), at};
  }

  /// Reads one record off the front of `rest`.
  ZipEntry central(Bytes& rest, std::size_t& header_offset) const {
    if (rest.size() < central_size || u32(rest, 0) != central_signature) refuse("the zip directory is broken");
    const std::size_t name_size = u16(rest, 28), extra_size = u16(rest, 30), comment_size = u16(rest, 32);
    if (!within(central_size, name_size + extra_size + comment_size, rest.size()))
      refuse("the zip directory is truncated");
    ZipEntry entry;
    entry.name = as_text(rest.subspan(central_size, name_size));
    if (!is_safe_name(entry.name)) refuse("zip entry " + in_quotes(entry.name) + " has an unsafe name");
    const std::string head = "zip entry " + in_quotes(entry.name);
    entry.method = u16(rest, 10);
    if ((u16(rest, 8) & encrypted_flag) != 0) refuse(head + " is encrypted");
    if (entry.method != 0 && entry.method != 8) {
      refuse(head + " has compression method " + std::to_string(entry.method) + "; known: 0 (stored) 8 (deflated)");
    }
    entry.crc = u32(rest, 16);
    std::array<std::size_t, 3> words = {u32(rest, 24), u32(rest, 20), u32(rest, 42)};
    if (!fill_from_zip64(rest.subspan(central_size + name_size, extra_size), words))
      refuse(head + " has a broken zip64 field");
    entry.size = words[0];
    entry.compressed_size = words[1];
    header_offset = words[2];
    rest = rest.subspan(central_size + name_size + extra_size + comment_size);
    return entry;
  }

  /// Replaces the words (size, compressed size, offset) that say 0xFFFFFFFF by those of extra field 1.
  bool fill_from_zip64(Bytes extra, std::array<std::size_t, 3>& words) const {
    if (std::none_of(words.begin(), words.end(), [](std::size_t word) { return word == in_zip64; })) return true;
    while (extra.size() >= 4) {
      const std::size_t length = u16(extra, 2);
      if (length > extra.size() - 4) return false;
      Bytes field = extra.subspan(4, length);
      const bool found = u16(extra, 0) == 1;
      extra = extra.subspan(4 + length);
      if (!found) continue;
      for (std::size_t& word : words) {
        if (word != in_zip64) continue;
        if (field.size() < 8) return false;
        word = u64(field, 0);
        field = field.subspan(8);
      }
      return true;
    }
    return false;
  }

  /// Checks the header in front of the data against the directory; finds where the data begin.
  void local(std::size_t offset, ZipEntry& entry, std::size_t limit) const {
    const std::string head = "zip entry " + in_quotes(entry.name);
    if (!within(offset, local_size, limit) || u32(bytes_, offset) != local_signature) {
      refuse(head + ": no entry begins at byte " + std::to_string(offset) + ", where the directory says");
    }
    const Bytes record = bytes_.subspan(offset);
    const std::size_t name_size = u16(record, 26), extra_size = u16(record, 28);
    const std::size_t header_size = local_size + name_size + extra_size;
    if (!within(offset, header_size, limit) || !within(offset + header_size, entry.compressed_size, limit)) {
      refuse(head + ": its " + std::to_string(entry.compressed_size) + " bytes at " + std::to_string(offset) +
             " do not lie within the file");
    }
    entry.begin = offset + header_size;
    const auto agrees = [](std::size_t word, std::size_t known) { return word == known || word == in_zip64; };
    const bool described_later = (u16(record, 6) & descriptor_flag) != 0;
    const bool sizes_agree = described_later || (agrees(u32(record, 18), entry.compressed_size) &&
                                                 agrees(u32(record, 22), entry.size) && u32(record, 14) == entry.crc);
    if (as_text(record.subspan(local_size, name_size)) != entry.name || u16(record, 8) != entry.method ||
        !sizes_agree) {
      refuse(head + ": its header and the zip directory disagree");
    }
    check_size(head, entry);
  }

  /// What is declared must fit what is there, so that nothing is allocated on the word of a header.
  void check_size(const std::string& head, const ZipEntry& entry) const {
    const bool stored = entry.method == 0;
    const bool possible =
        stored ? entry.size == entry.compressed_size : entry.size / greatest_deflate_ratio <= entry.compressed_size;
    if (!possible) {
      refuse(head + ": " + std::to_string(entry.compressed_size) + (stored ? " stored" : " compressed") +
             " bytes cannot hold the declared " + std::to_string(entry.size));
    }
  }

  void check_disjoint(std::vector<std::pair<std::size_t, std::size_t>> ranges) const {
    std::sort(ranges.begin(), ranges.end());
    for (std::size_t i = 1; i < ranges.size(); ++i) {
      if (ranges[i].first < ranges[i - 1].second)
        refuse("zip entries overlap at byte " + std::to_string(ranges[i].first));
    }
  }

  std::string where_;
  Bytes bytes_;
};

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t n = 0; n < 256; ++n) {
    std::uint32_t c = n;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
    table[n] = c;
  }
  return table;
}

}  // namespace

std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t crc) {
  static constexpr std::array<std::uint32_t, 256> table = make_crc_table();
  crc = ~crc;
  for (const std::byte byte : bytes) crc = table[(crc ^ std::to_integer<std::uint32_t>(byte)) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

ZipArchive::ZipArchive(const std::filesystem::path& path) : file_(path), entries_(DirectoryReader(file_).entries()) {}

std::span<const std::byte> ZipArchive::read(const ZipEntry& entry, std::vector<std::byte>& buffer) const {
  const std::string where = shown(path()) + ": zip entry " + in_quotes(entry.name);
  std::span<const std::byte> content = file_.bytes().subspan(entry.begin, entry.compressed_size);
  if (entry.method != 0) {
    buffer = inflate(content, entry.size, where);
    content = buffer;
  }
  if (crc32(content) != entry.crc)
    throw InputError(where + ": the CRC-32 of its content is not the one on record: the file is damaged");
  return content;
}

}  // namespace ulpscope::io
