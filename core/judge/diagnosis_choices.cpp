// SPDX-License-Identifier: Apache-2.0
// The diagnosis that tries the stage's other algorithms: a port that is no bug, but another framework's or machine's.
#include <fmt/format.h>

#include <algorithm>

#include "core/compressor/choices.hpp"
#include "core/io/error.hpp"
#include "core/judge/diagnosis.hpp"
#include "core/judge/sigma_map.hpp"
#include "core/judge/slot_judge.hpp"
#include "precision/exp_variant.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Direction;

/// A field of a stage whose values are algorithms.
struct Field {
  std::string_view stage;
  std::string_view name;
  std::vector<std::string> values;
};

/// A naive softmax is no way to round, so algorithms of the softmax as such are left out.
std::vector<Field> fields() {
  const auto exps = precision::exp_names();
  return {{"normalize", "rsqrt", compressor::choice_names<compressor::Rsqrt>()},
          {"normalize", "division", compressor::choice_names<compressor::Division>()},
          {"normalize", "vjp", compressor::choice_names<compressor::NormVjp>()},
          {"softmax", "exp", {exps.begin(), exps.end()}},
          {"softmax", "division", compressor::choice_names<compressor::Division>()},
          {"softmax", "vjp", compressor::choice_names<compressor::SoftmaxVjp>()},
          {"softmax", "saved", compressor::choice_names<compressor::Saved>()},
          {"softmax", "max_gradient", compressor::choice_names<compressor::MaxGradient>()}};
}

/// Each choice is a replay: quick from slots that the dump holds beside this one, or of a short problem.
bool is_quick(const Case& unexplained) {
  const auto& graph = unexplained.replayer.graph();
  const auto& reads = graph.reads(unexplained.slot);
  return is_quick_to_run(unexplained.config()) || std::all_of(reads.begin(), reads.end(), [&](compressor::Slot read) {
           return unexplained.given.has(read) || !graph.computes(read);
         });
}

/// With its own freedom, however far it is from what is expected: a choice may be one of freedom alone.
std::optional<Alternative> chosen(const Case& unexplained, const std::string& setting) {
  try {
    const compressor::Recipe recipe = compressor::with_setting(unexplained.recipe, setting);
    const Replayer replayer(unexplained.problem, recipe, unexplained.given, unexplained.threads);
    if (!replayer.graph().computes(unexplained.slot)) return std::nullopt;
    Replayed replayed = replayer.replay(unexplained.slot);
    crop(replayed, unexplained.found.shape);
    return Alternative{std::move(replayed.value), std::move(replayed.freedom)};
  } catch (const InputError&) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<std::string> explain_other_choice(const Case& unexplained) {
  if (!is_quick(unexplained)) return std::nullopt;
  const std::string_view stage = to_string(unexplained.replayer.plan().writer(unexplained.slot));
  const char* const section = unexplained.slot.direction == Direction::backward ? "backward." : "";
  for (const Field& field : fields()) {
    if (field.stage != stage) continue;
    for (const std::string& value : field.values) {
      const std::string setting = fmt::format("{}{}.{}={}", section, stage, field.name, value);
      const auto alternative = chosen(unexplained, setting);
      if (alternative && explains(unexplained, *alternative))
        return fmt::format("{} is what {} makes: another algorithm, rounded elsewhere", unexplained.slot_name(),
                           setting);
    }
  }
  return std::nullopt;
}

}  // namespace ulpscope::judge
