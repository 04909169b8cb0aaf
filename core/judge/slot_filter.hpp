// SPDX-License-Identifier: Apache-2.0
// --slots: which slots and tensors are judged. Internal to core/judge.
#pragma once

#include <optional>
#include <string>

#include "core/compressor/slot.hpp"
#include "core/io/pattern.hpp"

namespace ulpscope::judge {

/// By whole names; nothing given: all.
class SlotFilter {
 public:
  explicit SlotFilter(const std::optional<std::string>& text) {
    if (text) pattern_.emplace(*text, "--slots");
  }
  bool keeps(compressor::Slot slot) const { return keeps(compressor::to_string(slot)); }
  bool keeps(const std::string& name) const { return !pattern_ || pattern_->matches(name); }

 private:
  std::optional<io::Pattern> pattern_;
};

}  // namespace ulpscope::judge
