// SPDX-License-Identifier: Apache-2.0
// Asks an exact stage for listed elements.
#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "core/judge/inquiry.hpp"

namespace ulpscope::test {

class Asked final : public judge::Inquiry {
 public:
  /// Whether the k-th element may be anywhere between these ends.
  using Settled = std::function<bool(std::size_t k, double low, double high)>;

  /// `elements`: ascending, of a slot of `size`. Without `settled` nothing but exact values is taken.
  Asked(std::vector<std::size_t> elements, std::size_t size, Settled settled = nullptr)
      : elements_(std::move(elements)),
        values_(elements_.size(), std::numeric_limits<double>::quiet_NaN()),
        answers_(elements_.size()),
        size_(size),
        settled_(std::move(settled)) {}

  std::size_t size() const override { return size_; }
  std::size_t count() const override { return elements_.size(); }
  judge::Neighbours find(std::size_t first, std::size_t size) const override {
    judge::Neighbours some = 0;
    for (auto at = std::lower_bound(elements_.begin(), elements_.end(), first);
         at != elements_.end() && *at < first + size; ++at)
      some |= judge::Neighbours{1} << (*at - first);
    return some;
  }
  judge::Neighbours take(const judge::Answers& answers) override {
    judge::Neighbours open = 0;
    judge::for_each_place(answers.asked, [&](std::size_t place) {
      const auto at = std::lower_bound(elements_.begin(), elements_.end(), answers.first + place);
      const auto k = static_cast<std::size_t>(at - elements_.begin());
      const double value = answers.values[place];
      const double error = answers.errors[place];
      if (error != 0 && !(settled_ && settled_(k, value - error, value + error))) {
        open |= judge::Neighbours{1} << place;
      } else {
        values_[k] = value;
        ++answers_[k];
      }
    });
    return open;
  }

  const std::vector<double>& values() const { return values_; }
  /// Each was taken once.
  bool is_answered() const {
    return std::all_of(answers_.begin(), answers_.end(), [](int count) { return count == 1; });
  }

 private:
  std::vector<std::size_t> elements_;
  std::vector<double> values_;
  std::vector<int> answers_;
  std::size_t size_;
  Settled settled_;
};

}  // namespace ulpscope::test
