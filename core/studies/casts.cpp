// SPDX-License-Identifier: Apache-2.0
// Study casts: a recipe with one cast, or two, kept in fp32 or elided: what the error loses.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/studies/cast_edits.hpp"
#include "core/studies/errors.hpp"

namespace ulpscope::studies {
namespace {

using compressor::Recipe;

double square(double x) { return x * x; }

/// What points share: a cast lifted alone, or two in either order, is one run for all of them.
class Runs {
 public:
  Runs(const Point& at, const Subject& subject)
      : subject_(subject),
        inputs_{at.at("mode")},
        problem_(shared_problem(subject, inputs_)),
        recipe_(subject.recipe(at.at("recipe"))) {}

  const compressor::Problem& problem() const { return *problem_; }
  const Recipe& recipe() const { return recipe_; }
  Errors errors(const Recipe& recipe) const {
    return *subject_.memo->get<Errors>(key_of("errors", subject_, inputs_, recipe),
                                       [&] { return errors_against(*problem_, recipe, *truth()); });
  }
  bool has_casts_of_its_own(const Recipe& lifted) const {
    return !*subject_.memo->get<bool>(key_of("same casts", subject_, inputs_, recipe_) + lifted.spec.dump(),
                                      [&] { return same_casts(recipe_, lifted, *problem_); });
  }

 private:
  std::shared_ptr<const compressor::Tape> truth() const {
    return subject_.memo->get<compressor::Tape>(key_of("truth", subject_, inputs_, recipe_),
                                                [&] { return truth_of(*problem_, recipe_); });
  }

  const Subject& subject_;
  Inputs inputs_;
  std::shared_ptr<const compressor::Problem> problem_;
  Recipe recipe_;
};

io::Json measure(const Point& at, const Subject& subject) {
  const std::string& first = at.at("cast");
  const std::string& second = at.at("and");
  if (first == second) return skipped("the same cast twice");
  const auto given = [](const std::string& cast) { return cast == "inputs" || cast == "rope_table"; };
  if (at.at("change") == "elided" && (given(first) || given(second))) return skipped("only fp32: nothing carries it");
  const Runs runs(at, subject);
  if (const auto empty = empty_point(runs.problem())) return *empty;
  const std::string& change = at.at("change");
  const Recipe one = without(runs.recipe(), first, change);
  const Recipe other = without(runs.recipe(), second, change);
  for (const auto& [cast, lifted] : {std::pair{first, &one}, std::pair{second, &other}}) {
    if (cast != "none" && !runs.has_casts_of_its_own(*lifted)) return skipped(cast + " has no cast here");
  }
  const Errors whole = runs.errors(runs.recipe());
  const Errors both = runs.errors(without(one, second, change));
  const double gain = square(whole.output) - square(both.output);
  double alone = gain;
  if (second != "none")
    alone = 2 * square(whole.output) - square(runs.errors(one).output) - square(runs.errors(other).output);
  const auto share = [&](double squared) { return io::number(whole.output == 0 ? 0 : squared / square(whole.output)); };
  io::Json json = to_json(both);
  json["gain"] = share(gain);
  json["gradient_gain"] =
      io::number(whole.grad_w_gate == 0 ? 0 : 1 - square(both.grad_w_gate) / square(whole.grad_w_gate));
  json["interaction"] = share(gain - alone);
  return json;
}

/// "products 19%, pool 14% (2 of 9 casts below 1%)": of casts of one recipe, what goes with each.
std::string ranking_of(std::vector<const Cell*> ranked) {
  constexpr double little = 0.01;
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const Cell* a, const Cell* b) { return worse(a->number("gain"), b->number("gain")); });
  const auto telling = static_cast<std::size_t>(
      std::count_if(ranked.begin(), ranked.end(), [](const Cell* c) { return !(c->number("gain") < little); }));
  if (telling == 0) return fmt::format("none of {} casts takes 1%", ranked.size());
  std::vector<std::string> first;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, telling); ++i)
    first.push_back(fmt::format("{} {:.0f}%", ranked[i]->at.at("cast"), 100 * ranked[i]->number("gain")));
  return fmt::format("{} ({} of {} casts below 1%)", fmt::join(first, ", "), ranked.size() - telling, ranked.size());
}

std::vector<std::string> conclude(std::span<const Cell> cells) {
  std::map<std::string, std::vector<const Cell*>> groups;
  for (const Cell& cell : cells) {
    if (!cell.skipped() && cell.at.at("and") == "none")
      groups[values_of(cell, {"recipe", "mode", "change"})].push_back(&cell);
  }
  std::vector<std::string> parts;
  for (const auto& [name, group] : groups) parts.push_back(name + ": " + ranking_of(group));
  std::vector<std::string> sentences;
  if (!parts.empty())
    sentences.push_back("Of the output's squared error goes with one cast, in " + few_of(parts) + '.');
  const Cell* strongest = nullptr;
  for (const Cell& cell : cells) {
    if (cell.skipped() || cell.at.at("and") == "none") continue;
    const auto size = [](const Cell& c) { return std::abs(c.number("interaction")); };
    if (strongest == nullptr || worse(size(cell), size(*strongest))) strongest = &cell;
  }
  if (strongest != nullptr)
    sentences.push_back(
        fmt::format("The strongest interaction is that of {} and {} in {}: {:+.0f}% beyond the sum of the two.",
                    strongest->at.at("cast"), strongest->at.at("and"), strongest->at.at("recipe"),
                    100 * strongest->number("interaction")));
  if (sentences.empty()) sentences.emplace_back("These recipes have none of these casts.");
  return sentences;
}

}  // namespace

Study casts() {
  std::vector<std::string> partners = all_casts();
  partners.insert(partners.begin(), "none");
  std::vector<Measure> columns = error_columns();
  columns.push_back({"gain", "share of the output's squared error that goes"});
  columns.push_back({"gradient_gain", "share of grad.w_gate's squared error that goes"});
  columns.push_back({"interaction", "of two casts: gain beyond the sum of theirs alone, as such a share"});
  return {
      "casts",
      "Which casts of a recipe should be kept in fp32?",
      {{"recipe",
        "whose casts",
        {"hf"},
        {"hf", "hf-older", "native", "pr3810", "maxtext", "maxtext-bf16", "megatron"},
        &recipe_word},
       {"cast", "the stage whose last slot is lifted, forward or backward; or inputs", forward_casts(), all_casts()},
       {"and", "a second one, lifted too", {"none"}, partners},
       {"change", "fp32: stored in fp32; elided: kept as it was carried", {"fp32", "elided"}, {"fp32", "elided"}},
       mode_axis()},
      columns,
      true,
      &measure,
      &conclude};
}

}  // namespace ulpscope::studies
