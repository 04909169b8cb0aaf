// SPDX-License-Identifier: Apache-2.0
// Names of the exp variants.
#include "precision/exp_variant.hpp"

#include <array>
#include <stdexcept>
#include <string>

namespace ulpscope::precision {
namespace {
constexpr std::array<std::string_view, 8> names = {"correct", "libm", "sleef_u10", "xla_cpu",
                                                   "fast",    "cuda", "cuda_fast", "xla_ynn"};
}  // namespace

std::span<const std::string_view> exp_names() { return names; }

std::string_view to_string(Exp variant) { return names[static_cast<std::size_t>(variant)]; }

Exp parse_exp(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return static_cast<Exp>(i);
  }
  std::string known;
  for (const std::string_view each : names) known += " " + std::string(each);
  throw std::invalid_argument("unknown exp '" + std::string(name) + "'; known:" + known);
}

}  // namespace ulpscope::precision
