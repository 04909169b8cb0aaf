// SPDX-License-Identifier: Apache-2.0
// Study online: an online softmax's tiles and the format of its state, against two passes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/judge/truth.hpp"
#include "core/studies/errors.hpp"
#include "core/studies/settings.hpp"

namespace ulpscope::studies {
namespace {

using compressor::forward;
using compressor::gradient;
using compressor::Name;

/// Of a window, or of a tile that is one.
constexpr const char* two_pass = "two-pass";

void tile_word(const std::string& word) {
  if (word != two_pass) count_word(word);
}

compressor::Recipe recipe_at(const Point& at, const Subject& subject) {
  const compressor::Recipe base = subject.recipe(at.at("recipe"));
  if (at.at("tile") == two_pass) return with_setting(base, "softmax=shifted");
  const compressor::Recipe online = with_setting(base, "softmax=online_guarded");
  return with_setting(with_setting(online, "online.tile=" + at.at("tile")), "online.state=" + at.at("state"));
}

io::Json sets_tile(const std::string& word) {
  if (word == two_pass) return settings_overlay({"softmax=shifted"});
  return settings_overlay({"softmax=online_guarded", "online.tile=" + word});
}
io::Json sets_state(const std::string& word) { return settings_overlay({"online.state=" + word}); }

io::Json measure(const Point& at, const Subject& subject) {
  if (at.at("tile") == two_pass && at.at("state") != "fp32") return skipped("two passes keep no state");
  const std::string sigma = at.at("gate_sigma");
  const Inputs inputs{at.at("mode"), subject.problem == nullptr ? at.number("gate_sigma") : 0, 0};
  const compressor::Problem problem = problem_of(subject, inputs);
  if (const auto empty = empty_point(problem)) return *empty;
  const compressor::Recipe recipe = recipe_at(at, subject);
  const compressor::Recipe exact = judge::truth_recipe(recipe, problem.config, judge::Basis::given);
  const compressor::Tape truth = run_traced(problem, exact, {}).tape;
  const compressor::Run run = run_traced(problem, recipe, {});
  const auto error = [&](compressor::Slot slot) { return io::number(error_of(run, truth, slot).rms_rel); };
  return {{"denominator", error(forward(Name::denominator))},
          {"pooled", error(forward(Name::pooled))},
          {"output", error(forward(Name::output))},
          {"grad_logits", error(gradient(Name::logits))}};
}

/// The extremes over tiles of one recipe, state and input.
struct Range {
  const Cell* worst = nullptr;
  const Cell* best = nullptr;
};

std::string text_of(const Range& range, double ratio) {
  const double low = range.best->number("pooled");
  if (ratio == 1) return fmt::format("{:.2g} with every tile", low);
  const std::string times = std::isfinite(ratio) ? fmt::format(", {:.1f} times as much", ratio) : "";
  return fmt::format("{:.2g} with tiles of {} and {:.2g} with tiles of {}{}", low, range.best->at.at("tile"),
                     range.worst->number("pooled"), range.worst->at.at("tile"), times);
}

std::vector<std::string> conclude(std::span<const Cell> cells) {
  std::map<std::string, Range> ranges;
  const Cell* reference = nullptr;
  for (const Cell& cell : cells) {
    if (cell.skipped()) continue;
    if (cell.at.at("tile") == two_pass) {
      if (reference == nullptr) reference = &cell;
      continue;
    }
    Range& range = ranges[named_values_of(cell, {"recipe", "mode", "state", "gate_sigma"})];
    const double error = cell.number("pooled");
    if (range.worst == nullptr || worse(error, range.worst->number("pooled"))) range.worst = &cell;
    if (range.best == nullptr || worse(range.best->number("pooled"), error)) range.best = &cell;
  }
  std::vector<std::pair<double, std::string>> ranked;
  for (const auto& [name, range] : ranges) {
    const double low = range.best->number("pooled");
    const double high = range.worst->number("pooled");
    const double ratio = high == low ? 1 : high / low;
    ranked.emplace_back(ratio, name + ": " + text_of(range, ratio));
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return worse(a.first, b.first); });
  std::vector<std::string> parts;
  for (const auto& [ratio, text] : ranked) parts.push_back(text);
  std::vector<std::string> sentences;
  if (!parts.empty()) sentences.push_back("Error of pooled, " + few_of(parts) + '.');
  if (reference != nullptr)
    sentences.push_back(fmt::format("Two passes ({}): {:.2g}.", named_values_of(*reference, {"recipe", "gate_sigma"}),
                                    reference->number("pooled")));
  if (sentences.empty()) sentences.emplace_back("Nothing was run.");
  return sentences;
}

}  // namespace

Study online() {
  Axis mode = mode_axis();
  mode.small = {"hca"};
  return {"online",
          "What do an online softmax's tiles and the format of its state cost, against two passes?",
          {{"recipe", "what is made online", {"fp32"}, {"fp32", "native", "hf", "sglang"}, &recipe_word},
           {"state",
            "maximum, sum and weighted sum, rounded after each tile",
            {"fp32", "bf16"},
            {"fp32", "tf32", "fp16", "bf16"},
            &format_word,
            false,
            &sets_state},
           {"tile",
            "slots between two roundings of the state",
            {two_pass, "1", "2", "4", "8", "16", "32", "64", "128"},
            {two_pass, "1", "2", "3", "4", "8", "16", "32", "64", "128"},
            &tile_word,
            false,
            &sets_tile},
           {"gate_sigma", "of the built-in gates", {"2"}, {"0.5", "2", "8", "32"}, &number_word, true},
           mode},
          {{"denominator", "||error|| / ||truth|| of the softmax's denominator"},
           {"pooled", "of pooled"},
           {"output", "of the output"},
           {"grad_logits", "of grad.logits"}},
          true,
          &measure,
          &conclude};
}

}  // namespace ulpscope::studies
