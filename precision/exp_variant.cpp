// SPDX-License-Identifier: Apache-2.0
// Names of the exp variants.
#include "precision/exp_variant.hpp"

#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <string>

namespace ulpscope::precision {
namespace {
constexpr std::array<std::string_view, 9> names = {"correct", "libm",      "sleef_u10", "xla_cpu", "fast",
                                                   "cuda",    "cuda_fast", "xla_ynn",   "glibc"};
constexpr int most_lanes = 65536;

[[noreturn]] void refuse(std::string_view text) {
  std::string known;
  for (const std::string_view each : names) known += " " + std::string(each);
  throw std::invalid_argument("unknown exp '" + std::string(text) + "'; known:" + known +
                              ", and FULL:V:REST of two of them: REST in the channels beyond full vectors of V (2 to " +
                              std::to_string(most_lanes) + ")");
}

std::optional<Exp> find_exp(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Exp>(i);
  }
  return std::nullopt;
}
}  // namespace

std::span<const std::string_view> exp_names() { return names; }

std::string_view to_string(Exp variant) { return names[static_cast<std::size_t>(variant)]; }

Exp parse_exp(std::string_view name) {
  const std::optional<Exp> found = find_exp(name);
  if (!found) refuse(name);
  return *found;
}

ExpChoice parse_exp_choice(std::string_view text) {
  const std::size_t first = text.find(':');
  if (first == std::string_view::npos) return {parse_exp(text)};
  const std::size_t second = text.find(':', first + 1);
  if (second == std::string_view::npos) refuse(text);
  const std::optional<Exp> full = find_exp(text.substr(0, first));
  const std::optional<Exp> rest = find_exp(text.substr(second + 1));
  const char* const end = text.data() + second;
  int vector = 0;
  const auto [read, error] = std::from_chars(text.data() + first + 1, end, vector);
  const bool number = error == std::errc{} && read == end && vector >= 2 && vector <= most_lanes;
  if (!full || !rest || !number) refuse(text);
  return {*full, vector, *rest};
}

std::size_t alike_channels(const ExpChoice& choice, std::size_t width) {
  const auto vector = static_cast<std::size_t>(choice.vector);
  return width / vector * vector;
}

ExpChoice at_channel(const ExpChoice& choice, std::size_t channel, std::size_t width) {
  return {channel < alike_channels(choice, width) ? choice.full : choice.rest};
}

}  // namespace ulpscope::precision
