// SPDX-License-Identifier: Apache-2.0
// What points of a walk have in common, computed once: truths, runs, inputs.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace ulpscope::studies {

/// Values by keys that name all they depend on, kept as long as the walk. Any number of threads; two that miss the same
/// key at once both compute it, to the same bits.
class Memo {
 public:
  /// The value of `key`, or what make() returns. A key begins with the name of its kind: one kind, one T.
  template <class T, class Make>
  std::shared_ptr<const T> get(const std::string& key, Make make) {
    if (auto known = find(key)) return std::static_pointer_cast<const T>(std::move(known));
    return std::static_pointer_cast<const T>(keep(key, std::make_shared<const T>(make())));
  }

 private:
  using Value = std::shared_ptr<const void>;

  Value find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = values_.find(key);
    return found == values_.end() ? nullptr : found->second;
  }
  Value keep(const std::string& key, Value value) {
    const std::lock_guard lock(mutex_);
    return values_.emplace(key, std::move(value)).first->second;
  }

  std::mutex mutex_;
  std::map<std::string, Value> values_;
};

}  // namespace ulpscope::studies
