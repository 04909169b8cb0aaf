// SPDX-License-Identifier: Apache-2.0
// Diagnoses of slots without a token, and of NaN and infinity entering.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "core/compressor/evaluate.hpp"
#include "core/judge/diagnosis.hpp"
#include "core/judge/slot_judge.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Name;

/// [B*n*L] -> whether the row of an element holds no token; empty where the slot's rows are not softmax slots.
std::vector<std::uint8_t> padded_rows(const Case& unexplained) {
  if (unexplained.layout.rows_per_window != unexplained.config().window_slots() || unexplained.found.shape.size() != 4)
    return {};
  if (unexplained.slot.name == Name::biased) return {};
  return compressor::padded_slots(unexplained.problem, unexplained.config(), unexplained.recipe);
}

bool all_in_pads(const Case& unexplained) {
  const auto padded = padded_rows(unexplained);
  if (padded.empty()) return false;
  return std::all_of(unexplained.failing.begin(), unexplained.failing.end(),
                     [&](std::size_t i) { return padded[i / unexplained.layout.channels] != 0; });
}

/// The one value that all failing elements hold.
std::optional<double> common_value(const Case& unexplained) {
  const double first = unexplained.found.at(unexplained.failing.front());
  for (const std::size_t i : unexplained.failing) {
    if (!same_value(first, unexplained.found.at(i))) return std::nullopt;
  }
  return first;
}

std::string place_text(const Case& unexplained) {
  const std::string rows = rows_of(unexplained);
  return rows.empty() ? windows_of(unexplained) : rows + " of " + windows_of(unexplained);
}

}  // namespace

std::optional<std::string> explain_pads(const Case& unexplained) {
  if (!all_in_pads(unexplained)) return std::nullopt;
  const std::string name = unexplained.slot_name();
  const std::string expected = value_text(unexplained.expected.value.at(unexplained.failing.front()));
  const auto value = common_value(unexplained);
  if (value && std::isnan(*value)) {
    const bool values = unexplained.slot.name == Name::values;
    const bool gates = unexplained.slot.name == Name::logits || unexplained.slot.name == Name::padded_gate;
    return fmt::format("NaN enters at {} in {}: the padded {} hold NaN instead of {}{}", name, place_text(unexplained),
                       values ? "kv rows" : "rows", expected,
                       values  ? ", and 0 * NaN is NaN even where the weight is 0"
                       : gates ? ", and a NaN among them makes every weight of its channel there NaN"
                               : "");
  }
  const char* holds = rows_of(unexplained).starts_with("slot ") ? "holds" : "hold";
  if (value)
    return fmt::format("the padded {} {} {} instead of {} in {}", place_text(unexplained), holds, value_text(*value),
                       expected, name);
  return fmt::format("the padded {} {} other values than {}, though no token stands there, in {}",
                     place_text(unexplained), holds, expected, name);
}

std::optional<std::string> explain_nonfinite(const Case& unexplained) {
  std::vector<std::size_t> entering;
  for (const std::size_t i : unexplained.failing) {
    if (!std::isfinite(unexplained.found.at(i)) && std::isfinite(unexplained.expected.value.at(i)))
      entering.push_back(i);
  }
  if (entering.empty()) return std::nullopt;
  const Case local{unexplained.problem, unexplained.recipe, unexplained.given,    unexplained.replayer,
                   unexplained.slot,    unexplained.found,  unexplained.expected, entering,
                   unexplained.layout,  unexplained.ruler,  unexplained.threads};
  const double value = unexplained.found.at(entering.front());
  const std::string where = local.layout.windows == 0 ? "" : " in " + place_text(local);
  return fmt::format(
      "{} enters at {}{}: {} of {} elements, where the recipe gives finite values from the dump's own inputs",
      value_text(value), unexplained.slot_name(), where, entering.size(), unexplained.found.size());
}

std::optional<std::string> explain_pad_values(const Case& unexplained) {
  const auto padded = compressor::padded_slots(unexplained.problem, unexplained.config(), unexplained.recipe);
  if (std::find(padded.begin(), padded.end(), 1) == padded.end()) return std::nullopt;
  for (const char* gate : {"0", "-1", "-1e2", "-1e4", "-1e9", "-1e30", "-inf", "exclude"}) {
    if (unexplained.recipe.pad.gate == gate) continue;
    const auto recipe = compressor::with_setting(unexplained.recipe, std::string("pad.gate=") + gate);
    const auto alternative = replay_with(unexplained, recipe);
    if (!alternative || !explains(unexplained, *alternative)) continue;
    return fmt::format("{} in {} fits padded slots whose gate is {} instead of {}", unexplained.slot_name(),
                       windows_of(unexplained), gate, unexplained.recipe.pad.gate);
  }
  return std::nullopt;
}

}  // namespace ulpscope::judge
