// SPDX-License-Identifier: Apache-2.0
// The largest error of what is rotated, and the largest in fp32 throughout.
#include "core/studies/rope_conclusion.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/studies/errors.hpp"

namespace ulpscope::studies {

std::vector<std::string> rope_conclusion(std::span<const Cell> cells) {
  const Cell* worst = nullptr;
  const Cell* fp32 = nullptr;
  for (const Cell& cell : cells) {
    if (cell.skipped()) continue;
    const auto larger = [&](const Cell* than) {
      return than == nullptr || worse(cell.number("rotated_last"), than->number("rotated_last"));
    };
    if (larger(worst)) worst = &cell;
    const auto is_fp32 = [&](const char* axis) { return cell.at.at(axis) == "fp32"; };
    if (is_fp32("frequencies") && is_fp32("angles") && is_fp32("table") && larger(fp32)) fp32 = &cell;
  }
  if (worst == nullptr) return {not_run("Nothing is rotated", cells)};
  const auto named = [](const Cell& cell) {
    return named_values_of(cell, {"frequencies", "angles", "table", "yarn", "position"});
  };
  std::vector<std::string> sentences;
  if (std::isnan(worst->number("rotated_last")))
    sentences.push_back(fmt::format("With {} an angle is beyond the format, and what is rotated NaN.", named(*worst)));
  else
    sentences.push_back(fmt::format("The largest error of what is rotated is that of {}: {:.2g} of its norm.",
                                    named(*worst), worst->number("rotated_last")));
  if (fp32 != nullptr && fp32 != worst)
    sentences.push_back(fmt::format(
        "In fp32 throughout it is at most {:.2g} ({:.1f} bits): {}; the angle is off by up to {:.2g} in pair {}.",
        fp32->number("rotated_last"), fp32->number("bits_last"), named(*fp32), fp32->number("angle_max"),
        fp32->measures.at("worst_pair").dump()));
  return sentences;
}

}  // namespace ulpscope::studies
