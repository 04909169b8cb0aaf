// SPDX-License-Identifier: Apache-2.0
// Buffer: values that are ours, or borrowed from whoever keeps them alive; read as a vector either way.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace ulpscope::io {

/// Contiguous values that do not change under a reader. Copies share memory; writable() makes a copy of its own first
/// where somebody else could see the change.
template <class T>
class Buffer {
 public:
  using value_type = T;

  Buffer() = default;
  /// Takes the vector over; what reads a buffer may be given a vector.
  Buffer(std::vector<T> values)
      : own_(std::make_shared<std::vector<T>>(std::move(values))), values_(own_->data(), own_->size()) {}
  /// Borrows: `keeper` keeps the values alive and unchanged for as long as a copy of this buffer lives.
  Buffer(std::span<const T> values, std::shared_ptr<const void> keeper)
      : keeper_(std::move(keeper)), values_(values.data(), values.size()) {}
  // No moves: a buffer that was moved from would keep its view of values that it no longer holds.
  Buffer(const Buffer&) = default;
  Buffer& operator=(const Buffer&) = default;

  const T* data() const { return values_.data(); }
  std::size_t size() const { return values_.size(); }
  bool empty() const { return values_.empty(); }
  const T* begin() const { return values_.data(); }
  const T* end() const { return values_.data() + values_.size(); }
  const T& operator[](std::size_t i) const { return values_[i]; }
  const T& front() const { return values_.front(); }
  const T& back() const { return values_.back(); }

  /// The values, to be changed in place; what other copies of this buffer see stays.
  std::span<T> writable() {
    if (own_ == nullptr || own_.use_count() != 1) *this = Buffer(std::vector<T>(begin(), end()));
    return *own_;
  }

  bool operator==(const Buffer& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }

 private:
  std::shared_ptr<std::vector<T>> own_;  ///< null where the values are borrowed
  std::shared_ptr<const void> keeper_;
  std::span<const T> values_;
};

/// The same memory as values of another type. Precondition: T's alignment, a multiple of its size.
template <class T, class U>
Buffer<T> reinterpret_buffer(const Buffer<U>& buffer) {
  const auto* values = reinterpret_cast<const T*>(buffer.data());
  return {std::span<const T>(values, buffer.size() * sizeof(U) / sizeof(T)), std::make_shared<Buffer<U>>(buffer)};
}

}  // namespace ulpscope::io
