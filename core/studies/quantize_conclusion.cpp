// SPDX-License-Identifier: Apache-2.0
// The best and the worst quantiser of each format by what is selected, and what one bad value in a block does.
#include "core/studies/quantize_conclusion.hpp"

#include <fmt/format.h>

#include <map>

#include "core/studies/errors.hpp"

namespace ulpscope::studies {
namespace {

std::string named(const Cell& cell) { return named_values_of(cell, {"block", "scale", "ties", "hadamard"}); }

}  // namespace

std::vector<std::string> quantize_conclusion(std::span<const Cell> cells) {
  std::map<std::string, const Cell*> best;
  std::map<std::string, const Cell*> worst;
  const Cell* killed = nullptr;
  for (const Cell& cell : cells) {
    if (cell.skipped()) continue;
    if (cell.at.at("poison") != "none") {
      const auto lost = [](const Cell& c) { return c.number("zeroed") + c.number("nonfinite"); };
      if (killed == nullptr || lost(cell) > lost(*killed)) killed = &cell;
      continue;
    }
    const std::string& format = cell.at.at("format");
    if (best[format] == nullptr || worse(best[format]->number("flips"), cell.number("flips"))) best[format] = &cell;
    if (worst[format] == nullptr || worse(cell.number("flips"), worst[format]->number("flips"))) worst[format] = &cell;
  }
  std::vector<std::string> parts;
  for (const auto& [format, cell] : best) {
    parts.push_back(fmt::format("{} {:.2g}% ({}; error {:.2g})", format, 100 * cell->number("flips"), named(*cell),
                                cell->number("error")));
    if (worst[format]->number("flips") == cell->number("flips")) continue;
    parts.back() += fmt::format(" to {:.2g}% ({})", 100 * worst[format]->number("flips"), named(*worst[format]));
  }
  std::vector<std::string> sentences;
  if (!parts.empty()) sentences.push_back("Of the selected entries change: " + few_of(parts) + '.');
  if (killed != nullptr)
    sentences.push_back(
        fmt::format("One {} in each block makes {:.0f}% of the other values 0 and {:.0f}% NaN or infinite ({}, {}).",
                    killed->at.at("poison"), 100 * killed->number("zeroed"), 100 * killed->number("nonfinite"),
                    killed->at.at("format"), named(*killed)));
  if (sentences.empty()) sentences.push_back(not_run("Nothing was quantised", cells));
  return sentences;
}

}  // namespace ulpscope::studies
