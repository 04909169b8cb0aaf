// SPDX-License-Identifier: Apache-2.0
// For each gradient and format the scales that neither flush nor overflow, and the nearest that do.
#include "core/studies/loss_scale_window.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>

#include "core/studies/errors.hpp"

namespace ulpscope::studies {
namespace {

/// The scales, from the smallest to the largest, at which a format neither flushes nor overflows.
struct Window {
  const Cell* low = nullptr;
  const Cell* high = nullptr;
  const Cell* flushing = nullptr;  ///< the largest scale below
  const Cell* overflowing = nullptr;
};

void add(Window& window, const Cell& cell) {
  constexpr double few = 0.01;
  const auto scale = [](const Cell* c) { return scale_of(c->at.at("loss_scale")); };
  const auto keep = [&](const Cell*& kept, int sign) {
    if (kept == nullptr || sign * scale(&cell) > sign * scale(kept)) kept = &cell;
  };
  if (cell.number("overflowed") > 0) return keep(window.overflowing, -1);
  if (!(cell.number("flushed") <= few)) return keep(window.flushing, 1);
  keep(window.low, -1);
  keep(window.high, 1);
}

}  // namespace

double scale_of(const std::string& word) {
  const bool power = word.starts_with("2^");
  const double value = Point({{"loss_scale", power ? word.substr(2) : word}}).number("loss_scale");
  return power ? std::exp2(value) : value;
}

std::vector<std::string> loss_scale_conclusion(std::span<const Cell> cells) {
  std::map<std::string, Window> windows;
  for (const Cell& cell : cells) {
    if (!cell.skipped())
      add(windows[fmt::format("{} in {} ({}: {})", cell.at.at("slot"), cell.at.at("format"),
                              values_of(cell, {"recipe", "mode"}),
                              cell.at.at("stored") == "all" ? "all gradients" : "it alone")],
          cell);
  }
  std::vector<std::string> parts;
  for (const auto& [name, window] : windows) {
    const auto word = [](const Cell* cell) { return cell->at.at("loss_scale"); };
    std::string part =
        name + (window.low == nullptr ? " none here" : fmt::format(" {} to {}", word(window.low), word(window.high)));
    if (window.flushing != nullptr)
      part += fmt::format(", {} flushes {:.3g}%", word(window.flushing), 100 * window.flushing->number("flushed"));
    if (window.overflowing != nullptr) part += fmt::format(", {} overflows", word(window.overflowing));
    parts.push_back(part);
  }
  if (parts.empty()) return {"Nothing was run."};
  return {"Loss scales that flush less than 1% and overflow nothing: " + few_of(parts) + '.'};
}

}  // namespace ulpscope::studies
