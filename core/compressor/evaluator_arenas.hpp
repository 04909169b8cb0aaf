// SPDX-License-Identifier: Apache-2.0
// Scratch of the threads that walk windows, kept from block to block: fresh memory costs a fault per page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

namespace ulpscope::compressor {

/// As many arenas as there are threads at a time.
template <class T>
class Arenas {
 public:
  /// An arena of at least `count` values, its own until it goes. Numbers begin where a cache line does.
  class Lease {
   public:
    Lease(Arenas& arenas, std::size_t count) : arenas_(arenas), values_(arenas.take()) {
      if (values_.size() < count + line) values_.resize(count + line);
    }
    ~Lease() { arenas_.give(std::move(values_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;

    T* data() {
      if constexpr (line == 0) {
        return values_.data();
      } else {
        const std::size_t beyond = reinterpret_cast<std::uintptr_t>(values_.data()) % line_bytes / sizeof(T);
        return values_.data() + (line - beyond) % line;
      }
    }

   private:
    Arenas& arenas_;
    std::vector<T> values_;
  };

 private:
  static constexpr std::size_t line_bytes = 64;
  static constexpr std::size_t line = std::is_floating_point_v<T> ? line_bytes / sizeof(T) : 0;

  std::vector<T> take() {
    const std::lock_guard lock(mutex_);
    if (free_.empty()) return {};
    std::vector<T> values = std::move(free_.back());
    free_.pop_back();
    return values;
  }
  void give(std::vector<T>&& values) noexcept {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(values));
  }

  std::mutex mutex_;
  std::vector<std::vector<T>> free_;
};

}  // namespace ulpscope::compressor
