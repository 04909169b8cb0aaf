// SPDX-License-Identifier: Apache-2.0
// Study packing: a document behind others on a row's grid of windows, against windows that start with the document.
#include <fmt/format.h>

#include "core/io/error.hpp"
#include "core/judge/truth.hpp"
#include "core/studies/errors.hpp"
#include "core/studies/packed_rows.hpp"
#include "core/studies/packing_conclusion.hpp"
#include "core/studies/settings.hpp"

namespace ulpscope::studies {
namespace {

using compressor::forward;
using compressor::Name;
using compressor::Problem;
using compressor::Tensor;

Entries entries_of(const Problem& problem, const compressor::Recipe& recipe, compressor::Slot slot) {
  compressor::RunOptions forward_only;
  forward_only.gradients = compressor::Gradients::none;
  const auto exact = judge::truth_recipe(recipe, problem.config, judge::Basis::given);
  return {run_traced(problem, recipe, forward_only).tape.find(slot)->tensor,
          run_traced(problem, exact, forward_only).tape.find(slot)->tensor};
}

/// A count of tokens that a row can hold.
void shift_word(const std::string& word) {
  count_word(word);
  constexpr std::size_t most = std::size_t{1} << 20;
  if (Point({{"shift", word}}).count("shift") > most)
    throw InputError(fmt::format("'{}' is more than {} tokens", word, most));
}

std::string setting_of(const std::string& policy) { return policy == "mask" ? "mask=pad" : "segments=" + policy; }
io::Json sets_policy(const std::string& policy) { return settings_overlay({setting_of(policy)}); }

io::Json measure(const Point& at, const Subject& subject) {
  const Problem document = alone(problem_of(subject, {at.at("mode")}));
  if (const auto empty = empty_point(document)) return *empty;
  const std::size_t shift = at.count("shift");
  const compressor::Recipe recipe = with_setting(subject.recipe(at.at("recipe")), setting_of(at.at("policy")));
  const compressor::Slot slot = compressor::parse_slot(at.at("slot"));
  const auto config = effective_config(document.config, recipe);
  if (slot == forward(Name::normed) && !config.norm) return skipped("there is no norm");
  const Entries own = entries_of(document, recipe, slot);
  const Entries packed = entries_of(row_of(document, shift), recipe, slot);
  const Comparison found = compare({document.config, shift}, own, packed);
  return {{"entries", found.entries},
          {"unmatched", found.entries - found.matched},
          {"by_definition", found.by_definition},
          {"definition_size", io::number(found.definition)},
          {"by_error", found.by_error},
          {"error_size", io::number(found.error)},
          {"nonfinite", nonfinite_entries(packed.run, document.config.head_dim)}};
}

}  // namespace

Study packing() {
  Axis mode = mode_axis();
  mode.small = {"csa", "hca"};
  return {"packing",
          "Which entries of a packed or padded document differ from its own, by definition or by error?",
          {{"recipe", "whose arithmetic", {"fp32"}, {"fp32", "fp32-blas", "hf", "maxtext", "native"}, &recipe_word},
           {"policy",
            "mask: what is before is masked; else how segments are told apart",
            {"mask", "ignore", "previous_half", "strict"},
            {"mask", "ignore", "previous_half", "strict"},
            nullptr,
            false,
            &sets_policy},
           {"shift", "tokens before the document", {"128", "130"}, {"1", "4", "6", "128", "130", "256"}, &shift_word},
           {"slot",
            "normed: before RoPE; output: after it, at positions of the row",
            {"normed", "output"},
            {"normed", "output"}},
           mode},
          {{"entries", "of the document alone"},
           {"unmatched", "of these, how many have no window of the row with the same tokens"},
           {"by_definition", "whose truths differ"},
           {"definition_size", "largest such difference, of the entry's largest value"},
           {"by_error", "whose truths agree and whose bits do not"},
           {"error_size", "largest such difference"},
           {"nonfinite", "entries of the whole row that hold a NaN or an infinity"}},
          true,
          &measure,
          &packing_conclusion};
}

}  // namespace ulpscope::studies
