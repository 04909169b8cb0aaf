// SPDX-License-Identifier: Apache-2.0
// Where logits lose most of the bias, and how often another slot wins or several tie.
#include "core/studies/range_conclusion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/studies/errors.hpp"

namespace ulpscope::studies {
namespace {

std::string named(const Cell& cell) {
  return named_values_of(cell, {"format", "rounded", "gate_sigma", "ape_sigma", "mode"});
}

/// The point with the largest measure; null where none has a number there.
const Cell* most(std::span<const Cell> cells, const char* measure) {
  const Cell* found = nullptr;
  for (const Cell& cell : cells) {
    if (cell.skipped() || std::isnan(cell.number(measure))) continue;
    if (found == nullptr || cell.number(measure) > found->number(measure)) found = &cell;
  }
  return found;
}

std::string of_the_bias(std::span<const Cell> cells) {
  const Cell* swallowed = most(cells, "bias_error");
  if (swallowed == nullptr) return "No logit that is a number has a bias.";
  std::size_t points = 0;
  std::size_t halves = 0;
  for (const Cell& cell : cells) {
    if (cell.skipped() || std::isnan(cell.number("bias_error"))) continue;
    ++points;
    halves += cell.number("bias_error") <= 0.5 ? 0U : 1U;
  }
  const double error = swallowed->number("bias_error");
  const std::string size = std::isinf(error) ? "all of it, for logits are infinite"
                                             : fmt::format(
                                                   "{:.2g} of the bias, which leaves {:.0f}% of the gates as "
                                                   "they were",
                                                   error, 100 * swallowed->number("bias_lost"));
  return fmt::format("In {} of {} points the logits' rounding exceeds half of the bias; the most at {}: {}.", halves,
                     points, named(*swallowed), size);
}

std::string of_winners(std::span<const Cell> cells) {
  const Cell* decided = most(cells, "flipped");
  if (decided == nullptr) return "";
  if (decided->number("flipped") > 0)
    return fmt::format(
        "Another slot than the true one wins in up to {:.3g}% of rows ({}), by a true lead of at most {:.2g}.",
        100 * decided->number("flipped"), named(*decided), decided->number("margin"));
  const Cell* tied = most(cells, "tied");
  if (tied->number("tied") == 0) return "The slot that should win does so in every row.";
  return fmt::format(
      "No other slot than the true one wins a row alone; in up to {:.3g}% of rows ({}) several have the largest logit.",
      100 * tied->number("tied"), named(*tied));
}

}  // namespace

std::vector<std::string> range_conclusion(std::span<const Cell> cells) {
  const auto was_run = [](const Cell& cell) { return !cell.skipped(); };
  if (std::none_of(cells.begin(), cells.end(), was_run)) return {not_run("Nothing was run", cells)};
  std::vector<std::string> sentences{of_the_bias(cells)};
  if (const std::string winners = of_winners(cells); !winners.empty()) sentences.push_back(winners);
  return sentences;
}

}  // namespace ulpscope::studies
