// SPDX-License-Identifier: Apache-2.0
// Names of powers.
#include "precision/pow_variant.hpp"

#include <charconv>
#include <stdexcept>
#include <string>

namespace ulpscope::precision {

PowChoice parse_pow_choice(std::string_view text) {
  constexpr std::string_view sleef = "sleef_u10:";
  constexpr int most = 65536;
  if (text == "correct") return {};
  if (text.starts_with(sleef)) {
    const char* const end = text.data() + text.size();
    int group = 0;
    const auto [read, error] = std::from_chars(text.data() + sleef.size(), end, group);
    if (error == std::errc{} && read == end && group >= 1 && group <= most) return {group};
  }
  throw std::invalid_argument("unknown power '" + std::string(text) + "'; known: correct, sleef_u10:V (V from 1 to " +
                              std::to_string(most) + ")");
}

bool takes_sleef(const PowChoice& choice, std::size_t index, std::size_t count) {
  if (choice.sleef_group == 0) return false;
  const auto group = static_cast<std::size_t>(choice.sleef_group);
  return index < count / group * group;
}

}  // namespace ulpscope::precision
