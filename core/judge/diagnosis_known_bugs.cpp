// SPDX-License-Identifier: Apache-2.0
// The diagnosis that tries every mutant: a slot far behind a bug, with nothing kept in between, still has its bits.
#include <fmt/format.h>

#include "core/io/error.hpp"
#include "core/judge/diagnosis.hpp"
#include "core/judge/dump.hpp"
#include "core/judge/mutants.hpp"

namespace ulpscope::judge {
namespace {

/// Each mutant is a run, so long problems go without.
constexpr std::size_t most_work = std::size_t{1} << 25;

/// Multiplications of a projection of all tokens.
std::size_t work_of(const compressor::Config& config) {
  return config.batch * config.seq * config.hidden * config.features();
}

std::optional<Alternative> with_bug(const Case& unexplained, const Mutant& mutant) {
  try {
    const auto value = replay_mutant(unexplained.problem, unexplained.recipe, mutant,
                                     {unexplained.given, unexplained.slot, unexplained.threads});
    if (!value) return std::nullopt;
    return Alternative{cropped(*value, unexplained.found.shape), unexplained.expected.freedom};
  } catch (const InputError&) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<std::string> explain_known_bug(const Case& unexplained) {
  if (work_of(unexplained.config()) > most_work) return std::nullopt;
  for (const Mutant& mutant : mutants()) {
    if (!reason_against(mutant, unexplained.problem, unexplained.recipe).empty()) continue;
    const auto alternative = with_bug(unexplained, mutant);
    if (alternative && explains(unexplained, *alternative))
      return fmt::format("{} fits a known bug of ports, {}: {}", unexplained.slot_name(), mutant.name, mutant.about);
  }
  return std::nullopt;
}

}  // namespace ulpscope::judge
