// SPDX-License-Identifier: Apache-2.0
// The smallest denominators, the largest losses, and where exponentials become 0.
#include "core/studies/underflow_conclusion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/studies/errors.hpp"

namespace ulpscope::studies {
namespace {

/// The cell with the largest (sign 1) or smallest (sign -1) measure among those that count; NaN does not.
template <class Counts>
const Cell* extreme(std::span<const Cell> cells, const char* measure, double sign, Counts counts) {
  const Cell* found = nullptr;
  for (const Cell& cell : cells) {
    if (cell.skipped() || !counts(cell) || std::isnan(cell.number(measure))) continue;
    if (found == nullptr || sign * cell.number(measure) > sign * found->number(measure)) found = &cell;
  }
  return found;
}

bool is_naive(const Cell& cell) { return cell.at.at("softmax") == "naive"; }

std::string denominators(std::span<const Cell> cells) {
  const Cell* shifted = extreme(cells, "denominator", -1, [](const Cell& cell) { return !is_naive(cell); });
  const Cell* naive = extreme(cells, "denominator", -1, is_naive);
  if (shifted == nullptr && naive == nullptr) return "No row has a denominator that is a number.";
  std::string out;
  if (shifted != nullptr)
    out = fmt::format("With the maximum subtracted no denominator is below {:.4g}{}.", shifted->number("denominator"),
                      shifted->number("denominator") >= 1 ? ": none can underflow" : "");
  if (naive == nullptr) return out;
  return fmt::format("{}{}Without the shift the smallest is {:.4g} ({}, {}).", out, out.empty() ? "" : " ",
                     naive->number("denominator"), naive->at.at("format"), naive->at.at("gates"));
}

std::string losses(std::span<const Cell> cells) {
  const auto shifted = [](const Cell& cell) { return !is_naive(cell); };
  const Cell* mass = extreme(cells, "mass_lost", 1, shifted);
  const Cell* slope = extreme(cells, "grad_lost", 1, shifted);
  if (mass == nullptr || slope == nullptr) return "";
  const auto named = [](const Cell& cell) {
    return fmt::format("{}, {} in {}", cell.at.at("gates"), cell.at.at("softmax"), cell.at.at("format"));
  };
  const bool whole = mass->number("mass_lost") == 0;
  if (whole && slope->number("grad_lost") == 0)
    return "No weight and no gradient of a logit became 0 that should not be.";
  const std::string weights = whole ? "No weight became 0 that should not be"
                                    : fmt::format("Weights that became 0 had at most {:.3g} of a row's mass ({})",
                                                  mass->number("mass_lost"), named(*mass));
  return fmt::format(
      "{}; gradients of logits that became 0, whatever the cause, at most {:.3g} of the sum of all ({}).", weights,
      slope->number("grad_lost"), named(*slope));
}

using Names = std::set<std::string>;
struct Exponentials {
  Names run, modelled;
};

/// " (correct, fast; modelled: cuda)"
std::string listed(const Exponentials& exps) {
  std::string out = fmt::format("{}", fmt::join(exps.run, ", "));
  if (!exps.modelled.empty())
    out += fmt::format("{}modelled: {}", out.empty() ? "" : "; ", fmt::join(exps.modelled, ", "));
  return out;
}

/// "exp(d) is 0 up to d = fp32 -103.972084 (correct, libm; modelled: cuda), -87.6831284 (modelled: xla_cpu); bf16 ..."
std::string thresholds(std::span<const Cell> cells) {
  std::map<std::string, std::map<double, Exponentials>> by_format;
  for (const Cell& cell : cells) {
    if (cell.skipped()) continue;
    Exponentials& exps = by_format[cell.at.at("format")][cell.number("zero_at")];
    (cell.word("exp_is") == "run" ? exps.run : exps.modelled).insert(cell.at.at("exp"));
  }
  std::string out;
  for (const auto& [format, values] : by_format) {
    out += (out.empty() ? "" : "; ") + format;
    for (auto value = values.begin(); value != values.end(); ++value)
      out += fmt::format("{} {:.9g} ({})", value == values.begin() ? "" : ",", value->first, listed(value->second));
  }
  return "exp(d) is 0 up to d = " + out + ".";
}

}  // namespace

std::vector<std::string> underflow_conclusion(std::span<const Cell> cells) {
  if (std::all_of(cells.begin(), cells.end(), [](const Cell& cell) { return cell.skipped(); }))
    return {not_run("No row was formed", cells)};
  std::vector<std::string> sentences{denominators(cells)};
  if (const std::string lost = losses(cells); !lost.empty()) sentences.push_back(lost);
  sentences.push_back(thresholds(cells));
  return sentences;
}

}  // namespace ulpscope::studies
