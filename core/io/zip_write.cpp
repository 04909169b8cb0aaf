// SPDX-License-Identifier: Apache-2.0
// The zip writer: stored entries, no dates, so that the same content gives the same bytes.
#include "core/io/error.hpp"
#include "core/io/little_endian.hpp"
#include "core/io/names.hpp"
#include "core/io/zip.hpp"

namespace ulpscope::io {
namespace {

constexpr std::uint16_t version_needed = 20, utf8_flag = 0x800, time_midnight = 0;
constexpr std::uint16_t first_of_january_1980 = 1 << 5 | 1;
constexpr std::size_t most_bytes = 0xFFFFFFFE, most_entries = 0xFFFE;  // beyond, zip64 would be needed

/// The fields that the local header and the directory share, from "version needed" to "extra length".
std::string shared_fields(const std::string& name, std::uint32_t crc, std::uint32_t size) {
  std::string out;
  const bool ascii = name.find_first_not_of(
                         " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
                         "abcdefghijklmnopqrstuvwxyz{|}~") == std::string::npos;
  append_little_endian(out, version_needed);
  append_little_endian(out, ascii ? std::uint16_t{0} : utf8_flag);
  append_little_endian(out, std::uint16_t{0});  // stored
  append_little_endian(out, time_midnight);
  append_little_endian(out, first_of_january_1980);
  append_little_endian(out, crc);
  append_little_endian(out, size);
  append_little_endian(out, size);
  append_little_endian(out, static_cast<std::uint16_t>(name.size()));
  append_little_endian(out, std::uint16_t{0});
  return out;
}

}  // namespace

ZipWriter::ZipWriter(const std::filesystem::path& path) : path_(path), file_(path) {}

void ZipWriter::add(const std::string& name, std::string_view head, std::span<const std::byte> body) {
  const std::size_t size = head.size() + body.size();
  if (size > most_bytes || offset_ > most_bytes || count_ == most_entries || name.size() > 0xFFFF) {
    throw InputError(shown(path_) + ": entry " + in_quotes(name) +
                     " does not fit a zip archive (4 GiB, 65534 entries); write safetensors instead");
  }
  const std::uint32_t crc = crc32(body, crc32(std::as_bytes(std::span(head))));
  const std::string shared = shared_fields(name, crc, static_cast<std::uint32_t>(size));
  file_.write("PK\x03\x04" + shared + name);
  file_.write(head);
  file_.write(body);
  directory_ += "PK\x01\x02";
  append_little_endian(directory_, version_needed);  // made by
  directory_ += shared;
  directory_.append(8, '\0');  // no comment, disk 0, no attributes
  append_little_endian(directory_, std::uint16_t{0});
  append_little_endian(directory_, static_cast<std::uint32_t>(offset_));
  directory_ += name;
  offset_ += 4 + shared.size() + name.size() + size;
  ++count_;
}

void ZipWriter::finish() {
  if (offset_ > most_bytes)
    throw InputError(shown(path_) + ": more than 4 GiB do not fit an npz; write safetensors instead");
  std::string end = "PK\x05\x06" + std::string(4, '\0');
  append_little_endian(end, static_cast<std::uint16_t>(count_));
  append_little_endian(end, static_cast<std::uint16_t>(count_));
  append_little_endian(end, static_cast<std::uint32_t>(directory_.size()));
  append_little_endian(end, static_cast<std::uint32_t>(offset_));
  append_little_endian(end, std::uint16_t{0});
  file_.write(directory_);
  file_.write(end);
  file_.commit();
}

}  // namespace ulpscope::io
