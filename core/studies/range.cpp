// SPDX-License-Identifier: Apache-2.0
// Study range: gates so large that their format's spacing swallows the bias, and decides which slot wins.
#include <cmath>

#include "core/judge/truth.hpp"
#include "core/studies/bias_losses.hpp"
#include "core/studies/errors.hpp"
#include "core/studies/range_conclusion.hpp"
#include "core/studies/settings.hpp"
#include "core/studies/winners.hpp"

namespace ulpscope::studies {
namespace {

using compressor::forward;
using compressor::Name;

/// Recipe fp32 whose gate, or gate and sum, are kept in a format.
compressor::Recipe recipe_at(const Point& at, const Subject& subject) {
  compressor::Recipe recipe = with_setting(subject.recipe("fp32"), "project_gate.storage=" + at.at("format"));
  if (at.at("rounded") == "gate") return recipe;
  return with_setting(recipe, "bias.storage=" + at.at("format"));
}

io::Json sets_gate(const std::string& format) { return settings_overlay({"project_gate.storage=" + format}); }
io::Json sets_sum(const std::string& rounded) {
  return rounded == "sum" ? settings_overlay({"bias.storage=fp32"}) : io::Json::object();
}

/// Relative error of a slot; NaN where an element is infinite or NaN and should not be.
double relative_error(const compressor::Run& run, const compressor::Tape& truth, Name name) {
  const SlotError error = error_of(run, truth, forward(name));
  return error.wrong_class > 0 ? std::nan("") : error.rms_rel;
}

io::Json measure(const Point& at, const Subject& subject) {
  const bool drawn = subject.problem == nullptr;
  const compressor::Problem problem =
      problem_of(subject, {at.at("mode"), drawn ? at.number("gate_sigma") : 0, drawn ? at.number("ape_sigma") : 0});
  if (const auto empty = empty_point(problem)) return *empty;
  const compressor::Recipe recipe = recipe_at(at, subject);
  compressor::RunOptions forward_only;
  forward_only.gradients = compressor::Gradients::none;
  const auto exact = judge::truth_recipe(recipe, problem.config, judge::Basis::given);
  const compressor::Tape truth = run_traced(problem, exact, forward_only).tape;
  const compressor::Run run = run_traced(problem, recipe, forward_only);
  const BiasLosses bias = bias_losses({problem, recipe}, run.tape, truth);
  const Winners winners =
      winners_of(run.tape.find(forward(Name::logits))->tensor, truth.find(forward(Name::logits))->tensor);
  const auto rows = static_cast<double>(winners.rows);
  return {{"bias_lost", io::number(bias.lost)},
          {"bias_error", io::number(bias.error)},
          {"flipped", io::number(static_cast<double>(winners.flipped) / rows)},
          {"margin", io::number(winners.margin)},
          {"tied", io::number(static_cast<double>(winners.tied) / rows)},
          {"weights", io::number(relative_error(run, truth, Name::weights))},
          {"output", io::number(relative_error(run, truth, Name::output))}};
}

}  // namespace

Study range() {
  return {
      "range",
      "From which gates on do rounded logits stop carrying the bias, and choose another slot?",
      {{"gate_sigma",
        "of the built-in gates",
        {"0.5", "2", "8", "32", "128"},
        {"0.5", "1", "2", "4", "8", "16", "32", "64", "128", "512"},
        &number_word,
        true},
       {"ape_sigma", "of the built-in bias", {"0.02", "0.5"}, {"0.02", "0.1", "0.5", "2"}, &number_word, true},
       {"format", "of gate and logits", {"bf16"}, {"fp32", "tf32", "fp16", "bf16"}, &format_word, false, &sets_gate},
       {"rounded",
        "gate: it alone, the sum stays fp32; sum: both",
        {"gate", "sum"},
        {"gate", "sum"},
        nullptr,
        false,
        &sets_sum},
       mode_axis()},
      {{"bias_lost", "fraction of gates that the bias does not move"},
       {"bias_error", "root mean square of (logit - true gate) - bias, of the bias's; nan: there is no bias"},
       {"flipped", "fraction of rows (window, channel) whose largest logit stands in another slot"},
       {"margin", "largest true lead that was lost so"},
       {"tied", "fraction of rows whose largest logit stands in several slots"},
       {"weights", "||error|| / ||truth|| of the weights; nan: one is not finite and should be"},
       {"output", "of the output"}},
      true,
      &measure,
      &range_conclusion};
}

}  // namespace ulpscope::studies
