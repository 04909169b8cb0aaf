// SPDX-License-Identifier: Apache-2.0
// Memory-mapped input files.
#include "core/io/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "core/io/error.hpp"
#include "core/io/names.hpp"

namespace ulpscope::io {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, int error) {
  throw InputError(shown(path) + ": cannot be read: " + std::generic_category().message(error));
}

/// A descriptor that closes itself: the mapping outlives it.
class Descriptor {
 public:
  // O_NONBLOCK: opening a pipe without a writer must fail below, not wait.
  explicit Descriptor(const std::filesystem::path& path)
      : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  const Descriptor descriptor(path);
  struct stat status = {};
  if (descriptor.number() < 0 || ::fstat(descriptor.number(), &status) != 0) refuse(path, errno);
  if (S_ISDIR(status.st_mode)) throw InputError(shown(path) + ": expected a file, found a directory");
  if (!S_ISREG(status.st_mode))
    throw InputError(shown(path) + ": expected a regular file, found a device, pipe or socket");
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0) return;  // mmap refuses an empty range
  void* mapping = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor.number(), 0);
  if (mapping == MAP_FAILED) refuse(path, errno);
  data_ = static_cast<const std::byte*>(mapping);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace ulpscope::io
