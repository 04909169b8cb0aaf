// SPDX-License-Identifier: Apache-2.0
// Values in the memory that a kernel set names: the heap, or memory that a device sees too.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/compressor/large_memory.hpp"

namespace ulpscope::compressor {

/// An allocator: memory for any plain values. `allocate` throws where there is none left.
struct Memory {
  void* (*allocate)(std::size_t bytes);
  void (*release)(void* memory) noexcept;
};

/// A std::vector<T> without a memory, else an array in it (T: trivially copyable). Moved, never copied.
template <class T>
class Workspace {
 public:
  explicit Workspace(const Memory* memory = nullptr) : elsewhere_(nullptr, Release{memory}) {}

  /// Before the first value.
  void use(const Memory* memory) { elsewhere_.get_deleter().memory = memory; }
  /// Threads that may touch memory first.
  void share_among(unsigned threads) { threads_ = threads; }
  std::size_t size() const { return memory() == nullptr ? values_.size() : size_; }
  bool empty() const { return size() == 0; }
  T* data() { return memory() == nullptr ? values_.data() : elsewhere_.get(); }
  const T* data() const { return const_cast<Workspace*>(this)->data(); }

  void assign_zeros(std::size_t count) {
    if (memory() == nullptr) {
      reserve_large(values_, count, threads_);
      return values_.assign(count, T(0));
    }
    replace(count, 0);
    std::fill_n(elsewhere_.get(), count, T(0));
  }
  /// The first values stay; others are whatever they are.
  void resize(std::size_t count) {
    if (memory() == nullptr) {
      reserve_large(values_, count, threads_);
      return values_.resize(count);
    }
    if (count > capacity_) replace(count, size_);
    size_ = count;
  }
  void operator=(std::vector<T>&& values) {
    if (memory() == nullptr) {
      values_ = std::move(values);
    } else {
      replace(values.size(), 0);
      std::copy(values.begin(), values.end(), elsewhere_.get());
    }
  }
  /// The values as a vector; nothing is left.
  std::vector<T> take() {
    if (memory() == nullptr) return std::move(values_);
    std::vector<T> values(elsewhere_.get(), elsewhere_.get() + size_);
    elsewhere_.reset();
    size_ = capacity_ = 0;
    return values;
  }

 private:
  struct Release {
    const Memory* memory;
    void operator()(T* values) const noexcept { memory->release(values); }
  };
  const Memory* memory() const {
    if constexpr (std::is_trivially_copyable_v<T>) return elsewhere_.get_deleter().memory;
    return nullptr;
  }
  void replace(std::size_t count, std::size_t kept) {
    if (count > capacity_) {
      void* const fresh = memory()->allocate(count * sizeof(T));
      std::copy_n(elsewhere_.get(), kept, static_cast<T*>(fresh));
      elsewhere_.reset(static_cast<T*>(fresh));
      capacity_ = count;
    }
    size_ = count;
  }

  std::vector<T> values_;
  std::unique_ptr<T[], Release> elsewhere_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  unsigned threads_ = 1;
};

}  // namespace ulpscope::compressor
