// SPDX-License-Identifier: Apache-2.0
// How many layouts lack a document's windows, how many change them, and what rounding adds.
#include "core/studies/packing_conclusion.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/studies/errors.hpp"

namespace ulpscope::studies {
namespace {

/// What a walk found, point by point.
struct Found {
  std::size_t points = 0;
  std::size_t unmatched = 0;
  std::size_t by_definition = 0;
  const Cell* first = nullptr;    ///< the largest difference by definition; null: none
  const Cell* rounded = nullptr;  ///< the most entries that differ by error; null: none was compared
  const Cell* lost = nullptr;     ///< the most entries that are not finite
};

void add(Found& found, const Cell& cell) {
  const auto keep = [&](const Cell*& kept, const char* measure) {
    if (kept == nullptr || worse(cell.number(measure), kept->number(measure))) kept = &cell;
  };
  ++found.points;
  keep(found.lost, "nonfinite");
  if (cell.number("unmatched") > 0) {
    ++found.unmatched;
    return;
  }
  keep(found.rounded, "by_error");
  if (!(cell.number("by_definition") > 0)) return;
  ++found.by_definition;
  keep(found.first, "definition_size");
}

std::string named(const Cell& cell) { return named_values_of(cell, {"recipe", "mode", "policy", "shift", "slot"}); }

/// Which windows the row has, and which of these are others.
std::string placed_text(const Found& found) {
  std::string text = found.unmatched == 0
                         ? fmt::format("The document is on the grid in all of {} layouts", found.points)
                         : fmt::format(
                               "In {} of {} layouts the document is off the grid: none of its windows "
                               "exists in the row",
                               found.unmatched, found.points);
  if (found.first == nullptr) return text;
  const double size = found.first->number("definition_size");
  const std::string most = std::isfinite(size) ? fmt::format("by up to {:.2g} times the entry's largest value", size)
                                               : "and one is not finite";
  return fmt::format("{}; in {} of {} entries differ by definition, {}, {:g} of {:g} ({})", text, found.by_definition,
                     found.unmatched == 0 ? "them" : "the others", most, found.first->number("by_definition"),
                     found.first->number("entries"), named(*found.first));
}

std::string rounded_text(const Found& found) {
  std::string text = "There is no entry to compare";
  if (found.rounded != nullptr) {
    text =
        found.rounded->number("by_error") > 0
            ? fmt::format("Rounding alone changes {:g} entries by up to {:.2g} ({})", found.rounded->number("by_error"),
                          found.rounded->number("error_size"), named(*found.rounded))
            : "Rounding alone changes no bit of any entry";
  }
  if (found.lost->number("nonfinite") > 0)
    text += fmt::format("; up to {:g} entries of a row are not finite ({})", found.lost->number("nonfinite"),
                        named(*found.lost));
  return text;
}

}  // namespace

std::vector<std::string> packing_conclusion(std::span<const Cell> cells) {
  Found found;
  for (const Cell& cell : cells) {
    if (!cell.skipped()) add(found, cell);
  }
  if (found.points == 0) return {"Nothing was run."};
  return {placed_text(found) + '.', rounded_text(found) + '.'};
}

}  // namespace ulpscope::studies
