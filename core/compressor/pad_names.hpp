// SPDX-License-Identifier: Apache-2.0
// Pads that have a name: what a recipe may write for `pad.gate` besides a number.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "precision/format.hpp"

namespace ulpscope::compressor {

struct PadName {
  std::string_view name;
  std::string_view about;
  double (*value)(const precision::Format&);  ///< in the format of the recipe's `pad`, or of the slot that receives it
  bool depends_on_format = false;
  bool excluded = false;  ///< the softmax and the sums skip the slot
};

/// THE table: a new pad is a row of it.
std::span<const PadName> pad_names();
/// Null: it is a number.
const PadName* find_pad(std::string_view name);
/// As a sentence lists them.
std::vector<std::string> pad_words();
/// The gate's pad is -inf, or left out: its weight is 0 in every format.
bool is_exact_pad(std::string_view gate);

}  // namespace ulpscope::compressor
