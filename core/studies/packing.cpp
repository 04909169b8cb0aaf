// SPDX-License-Identifier: Apache-2.0
// Study packing: a document behind others on a row's grid of windows, against windows that start with the document.
#include <fmt/format.h>

#include "core/judge/truth.hpp"
#include "core/studies/errors.hpp"
#include "core/studies/packed_rows.hpp"
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

std::vector<std::string> conclude(std::span<const Cell> cells) {
  std::size_t points = 0;
  std::size_t unmatched = 0;
  std::size_t by_definition = 0;
  const Cell* first = nullptr;
  const Cell* rounded = nullptr;
  const Cell* lost = nullptr;
  for (const Cell& cell : cells) {
    if (cell.skipped()) continue;
    ++points;
    unmatched += cell.number("unmatched") > 0 ? 1U : 0U;
    const bool differs = cell.number("by_definition") > 0;
    by_definition += differs ? 1U : 0U;
    if (differs && (first == nullptr || worse(cell.number("definition_size"), first->number("definition_size"))))
      first = &cell;
    if (rounded == nullptr || worse(cell.number("by_error"), rounded->number("by_error"))) rounded = &cell;
    if (lost == nullptr || worse(cell.number("nonfinite"), lost->number("nonfinite"))) lost = &cell;
  }
  if (points == 0) return {"Nothing was run."};
  const auto named = [](const Cell& cell) {
    return named_values_of(cell, {"recipe", "mode", "policy", "shift", "slot"});
  };
  std::string placed = fmt::format(
      "In {} of {} layouts the document is off the grid: none of its windows exists in the row", unmatched, points);
  if (first != nullptr)
    placed +=
        fmt::format("; in {} of the others entries differ by definition, up to {:.2g} of the entry, {} of {} ({})",
                    by_definition, first->number("definition_size"), first->measures.at("by_definition").dump(),
                    first->measures.at("entries").dump(), named(*first));
  std::string computed = "Rounding alone changes no bit of any entry";
  if (rounded->number("by_error") > 0)
    computed = fmt::format("Rounding alone changes {} entries by up to {:.2g} ({})",
                           rounded->measures.at("by_error").dump(), rounded->number("error_size"), named(*rounded));
  if (lost->number("nonfinite") > 0)
    computed += fmt::format("; up to {} entries of a row are not finite ({})", lost->measures.at("nonfinite").dump(),
                            named(*lost));
  return {placed + '.', computed + '.'};
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
           {"shift", "tokens before the document", {"128", "130"}, {"1", "4", "6", "128", "130", "256"}, &count_word},
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
          &conclude};
}

}  // namespace ulpscope::studies
