// SPDX-License-Identifier: Apache-2.0
// Writing files so that nobody ever sees half of one.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace ulpscope::io {

/// Writes to a temporary file in the target's directory; commit() renames it onto the target. Without commit() the
/// destructor removes it and the target is as it was. A symbolic link is followed; an existing file's permissions are
/// kept; a device or pipe (/dev/null, /dev/stdout) is written directly, since a rename would replace it.
/// Every failure (no such directory, no permission, disk full) is an InputError that names the target.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  void commit();

 private:
  void remove_temporary();
  [[noreturn]] void fail(int error);

  std::filesystem::path shown_;      // as the caller named it: for messages
  std::filesystem::path target_;     // links resolved
  std::filesystem::path temporary_;  // empty: the target is written directly
  std::size_t registered_;           // where remove_temporaries() finds the temporary file
  int descriptor_ = -1;
};

/// Removes the temporary files of all writers, for a process that is about to end without destructors. Safe in a signal
/// handler: it only reads memory that never moves, and unlinks.
void remove_temporaries() noexcept;

/// The whole text, atomically. "-" is not special here.
void write_text(const std::filesystem::path& path, std::string_view text);

/// The whole file as text; InputError as MappedFile.
std::string read_text(const std::filesystem::path& path);

/// Whether both paths name one existing file (links followed). False where either is absent.
bool same_file(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace ulpscope::io
