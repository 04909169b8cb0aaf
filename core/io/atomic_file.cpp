// SPDX-License-Identifier: Apache-2.0
// Temporary file, then rename.
#include "core/io/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include "core/io/error.hpp"
#include "core/io/mapped_file.hpp"
#include "core/io/names.hpp"

namespace ulpscope::io {
namespace {

/// A name in the target's directory that no other writer uses: process and counter.
std::filesystem::path temporary_beside(const std::filesystem::path& target) {
  static std::atomic<unsigned> counter = 0;
  const std::string name = "." + target.filename().string().substr(0, 100) + "." + std::to_string(::getpid()) + "." +
                           std::to_string(counter++) + ".tmp";
  return target.parent_path() / name;
}

/// The temporary files that exist now, where a signal handler can read their names: fixed memory, no lock. A writer
/// beyond the last place works all the same, only an interrupt leaves its temporary file behind.
class Registry {
 public:
  static constexpr std::size_t places = 16;

  /// The place taken; `places` where none is free or the path is too long.
  std::size_t add(const std::string& path) {
    if (path.size() >= PATH_MAX) return places;
    for (std::size_t i = 0; i < places; ++i) {
      State expected = State::free;
      if (!entries_[i].state.compare_exchange_strong(expected, State::filling)) continue;
      std::memcpy(entries_[i].path, path.c_str(), path.size() + 1);
      entries_[i].state = State::ready;
      return i;
    }
    return places;
  }
  void remove(std::size_t place) {
    if (place < places) entries_[place].state = State::free;
  }
  void unlink_all() noexcept {
    for (Entry& entry : entries_) {
      if (entry.state == State::ready) ::unlink(entry.path);
    }
  }

 private:
  enum class State : std::uint8_t { free, filling, ready };
  struct Entry {
    std::atomic<State> state = State::free;
    char path[PATH_MAX] = {};
  };
  static_assert(std::atomic<State>::is_always_lock_free);
  Entry entries_[places];
};

constinit Registry registry;

/// Follows links of an existing target: a rename onto the link would replace the link.
std::filesystem::path resolved(const std::filesystem::path& target) {
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(target, error);
  return error ? target : real;
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& target)
    : shown_(target), target_(resolved(target)), registered_(Registry::places) {
  struct stat status = {};
  const bool exists = ::stat(target_.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) fail(EISDIR);
  if (exists && !S_ISREG(status.st_mode)) {
    descriptor_ = ::open(target_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail(errno);
    return;
  }
  if (exists && ::access(target_.c_str(), W_OK) != 0) fail(errno);
  if (target_.filename().empty()) fail(target_.empty() ? ENOENT : EISDIR);
  std::filesystem::path temporary = temporary_beside(target_);
  // Before the file exists: an interrupt in between must not leave it behind.
  registered_ = registry.add(temporary.native());
  descriptor_ = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(errno);
  temporary_ = std::move(temporary);
  if (exists) static_cast<void>(::fchmod(descriptor_, status.st_mode & 07777));
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  remove_temporary();
}

void AtomicFile::remove_temporary() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
  registry.remove(std::exchange(registered_, Registry::places));
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  constexpr std::size_t most = std::size_t{1} << 30;  // one write() takes less than 2 GiB
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), std::min(bytes.size(), most));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  // Some file systems report a full disk only here.
  if (::close(std::exchange(descriptor_, -1)) != 0) fail(errno);
  if (temporary_.empty()) return;
  if (std::rename(temporary_.c_str(), target_.c_str()) != 0) fail(errno);
  temporary_.clear();
  registry.remove(std::exchange(registered_, Registry::places));
}

void AtomicFile::fail(int error) {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  remove_temporary();
  throw InputError(shown(shown_) + ": cannot be written: " + std::generic_category().message(error));
}

void remove_temporaries() noexcept { registry.unlink_all(); }

void write_text(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

std::string read_text(const std::filesystem::path& path) { return std::string(MappedFile(path).text()); }

bool same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code error;
  return std::filesystem::equivalent(a, b, error) && !error;
}

}  // namespace ulpscope::io
