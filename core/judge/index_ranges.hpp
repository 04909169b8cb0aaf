// SPDX-License-Identifier: Apache-2.0
// Index ranges: a set of flat indices as the runs in which they follow each other. Internal to core/judge.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace ulpscope::judge {

/// A slot of NaN is one range, rows of NaN are as many: millions of indices need no memory each.
class IndexRanges {
 public:
  /// Indices [first, last).
  struct Range {
    std::size_t first = 0;
    std::size_t last = 0;
  };

  /// Precondition: first < last, and no index so far is above first - 1.
  void add(std::size_t first, std::size_t last) {
    size_ += last - first;
    if (!ranges_.empty() && ranges_.back().last == first) {
      ranges_.back().last = last;
    } else {
      ranges_.push_back({first, last});
    }
  }
  void add(std::size_t index) { add(index, index + 1); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const std::vector<Range>& ranges() const { return ranges_; }
  /// The least; there must be one.
  std::size_t front() const { return ranges_.front().first; }
  bool contains(std::size_t index) const {
    const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), index,
                                        [](std::size_t i, const Range& range) { return i < range.first; });
    return after != ranges_.begin() && index < (after - 1)->last;
  }
  /// In rising order.
  template <class F>
  void for_each(F&& act) const {
    for (const Range& range : ranges_) {
      for (std::size_t i = range.first; i < range.last; ++i) act(i);
    }
  }
  /// Those for which the predicate holds.
  template <class F>
  IndexRanges where(F&& holds) const {
    IndexRanges found;
    for_each([&](std::size_t i) {
      if (holds(i)) found.add(i);
    });
    return found;
  }

 private:
  std::vector<Range> ranges_;
  std::size_t size_ = 0;
};

}  // namespace ulpscope::judge
