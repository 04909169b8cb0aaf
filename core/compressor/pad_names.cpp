// SPDX-License-Identifier: Apache-2.0
// The table of named pads.
#include "core/compressor/pad_names.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace ulpscope::compressor {
namespace {

double minus_infinity(const precision::Format&) { return -std::numeric_limits<double>::infinity(); }
double most_negative(const precision::Format& format) { return -format.max_finite; }

constexpr std::array<PadName, 3> table{{
    {"-inf", "weight exactly 0 in every format", minus_infinity},
    {"lowest", "the most negative finite number of pad.format, or of the slot that receives it", most_negative, true},
    {"exclude", "the slot is skipped by the softmax and the sums", minus_infinity, false, true},
}};

}  // namespace

std::span<const PadName> pad_names() { return table; }

const PadName* find_pad(std::string_view name) {
  const auto* const found =
      std::find_if(table.begin(), table.end(), [&](const PadName& pad) { return pad.name == name; });
  return found == table.end() ? nullptr : found;
}

std::vector<std::string> pad_words() {
  std::vector<std::string> words;
  for (const PadName& pad : table) words.emplace_back(pad.name);
  return words;
}

bool is_exact_pad(std::string_view gate) {
  const PadName* const pad = find_pad(gate);
  return pad != nullptr && pad->value == minus_infinity;
}

}  // namespace ulpscope::compressor
