// SPDX-License-Identifier: Apache-2.0
// From which size of pooled on a scale error passes the norm, and where the norm itself errs most.
#include "core/studies/norm_conclusion.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/studies/errors.hpp"

namespace ulpscope::studies {
namespace {

/// What arrives of errors of direction and of scale; any of the cells may be null.
std::string passed_on(const Cell* turned, const Cell* vanishing, const Cell* passing) {
  const std::string direction = turned == nullptr ? "An entry of one channel has no direction"
                                                  : fmt::format("Of an error of direction at least {:.2f} arrives",
                                                                turned->number("direction_passed"));
  std::string scale;
  if (vanishing != nullptr)
    scale = fmt::format("an error of scale vanishes down to pooled values of {} (there {:.2g} of it is left)",
                        vanishing->at.at("rms"), vanishing->number("scale_passed"));
  if (passing != nullptr) {
    const double gain = passing->number("gain");
    scale += fmt::format(
        "{} {} down eps lets {:.2g} of {} through, and gradients {}", scale.empty() ? "from" : ", but from",
        passing->at.at("rms"), passing->number("scale_passed"), scale.empty() ? "an error of scale" : "it",
        gain > 1 ? fmt::format("grow {:.3g} times", gain) : fmt::format("shrink to {:.3g} of themselves", gain));
  }
  return fmt::format("{}; {}.", direction, scale);
}

}  // namespace

std::vector<std::string> norm_conclusion(std::span<const Cell> cells) {
  const Cell* smallest = nullptr;  // pooled, of those whose scale still vanishes
  const Cell* passing = nullptr;   // the largest pooled whose scale error arrives by a tenth or more
  const Cell* wrong = nullptr;
  const Cell* turned_least = nullptr;  // of the points that have a direction
  for (const Cell& cell : cells) {
    if (cell.skipped()) continue;
    const double rms = cell.at.number("rms");
    const bool passes = !(cell.number("scale_passed") <= 0.1);
    if (!passes && (smallest == nullptr || rms < smallest->at.number("rms"))) smallest = &cell;
    if (passes && (passing == nullptr || rms > passing->at.number("rms"))) passing = &cell;
    const bool has_direction = !cell.measures.at("direction_passed").is_null();
    if (has_direction &&
        (turned_least == nullptr || worse(turned_least->number("direction_passed"), cell.number("direction_passed"))))
      turned_least = &cell;
    if (wrong == nullptr || worse(cell.number("own_error"), wrong->number("own_error"))) wrong = &cell;
  }
  if (wrong == nullptr) return {not_run("Nothing is normalised", cells)};
  const double error = wrong->number("own_error");
  const std::string own = !std::isfinite(error)
                              ? fmt::format("In {} at {} the norm itself makes values that are no numbers.",
                                            wrong->at.at("format"), wrong->at.at("rms"))
                              : fmt::format("The norm's own error is largest in {} at {}: {:.2g}.",
                                            wrong->at.at("format"), wrong->at.at("rms"), error);
  return {passed_on(turned_least, smallest, passing), own};
}

}  // namespace ulpscope::studies
