// SPDX-License-Identifier: Apache-2.0
// Study range: gates so large that their format's spacing swallows the bias, and decides which slot wins.
#include <fmt/format.h>

#include <cmath>

#include "core/judge/truth.hpp"
#include "core/studies/errors.hpp"
#include "core/studies/settings.hpp"
#include "core/studies/winners.hpp"

namespace ulpscope::studies {
namespace {

using compressor::forward;
using compressor::Name;
using compressor::Tensor;

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

/// What became of the bias: logit - gate in the run against the truth's, on every token slot of the windows.
struct Bias {
  double lost = 0;   ///< fraction of slots whose logit is the gate although the bias is not 0
  double error = 0;  ///< root mean square of (logit - gate) - bias, of the bias's
};

Bias bias_of(const compressor::Tape& run, const compressor::Tape& truth) {
  const Tensor& gate = run.find(forward(Name::gate))->tensor;
  const Tensor& biased = run.find(forward(Name::biased))->tensor;
  const Tensor& true_gate = truth.find(forward(Name::gate))->tensor;
  const Tensor& true_biased = truth.find(forward(Name::biased))->tensor;
  const std::size_t per_batch = biased.size() / gate.shape[0];
  const std::size_t gates = gate.size() / gate.shape[0];
  std::size_t lost = 0;
  double squares = 0;
  double norm = 0;
  for (std::size_t i = 0; i < biased.size(); ++i) {
    const std::size_t token = i / per_batch * gates + i % per_batch;  // windows are cut from whole rows of tokens
    const double bias = true_biased.at(i) - true_gate.at(token);
    lost += bias != 0 && biased.at(i) == gate.at(token) ? 1 : 0;
    squares += std::pow(biased.at(i) - true_gate.at(token) - bias, 2);
    norm += bias * bias;
  }
  return {static_cast<double>(lost) / static_cast<double>(biased.size()), norm == 0 ? 0 : std::sqrt(squares / norm)};
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
  const Bias bias = bias_of(run.tape, truth);
  const Winners winners =
      winners_of(run.tape.find(forward(Name::logits))->tensor, truth.find(forward(Name::logits))->tensor);
  const auto rows = static_cast<double>(winners.rows);
  return {{"bias_lost", io::number(bias.lost)},
          {"bias_error", io::number(bias.error)},
          {"flipped", io::number(static_cast<double>(winners.flipped) / rows)},
          {"margin", io::number(winners.margin)},
          {"tied", io::number(static_cast<double>(winners.tied) / rows)},
          {"weights", io::number(error_of(run, truth, forward(Name::weights)).rms_rel)},
          {"output", io::number(error_of(run, truth, forward(Name::output)).rms_rel)}};
}

std::string named(const Cell& cell) {
  return named_values_of(cell, {"format", "rounded", "gate_sigma", "ape_sigma", "mode"});
}

std::vector<std::string> conclude(std::span<const Cell> cells) {
  const Cell* swallowed = nullptr;
  const Cell* decided = nullptr;
  std::size_t halves = 0;
  for (const Cell& cell : cells) {
    if (cell.skipped()) continue;
    const auto most = [&](const Cell* than, const char* what) {
      return than == nullptr || worse(cell.number(what), than->number(what));
    };
    if (most(swallowed, "bias_error")) swallowed = &cell;
    if (most(decided, "flipped")) decided = &cell;
    halves += cell.number("bias_error") <= 0.5 ? 0U : 1U;
  }
  if (swallowed == nullptr) return {"Nothing was run."};
  return {fmt::format(
              "In {} of {} points the logits' rounding exceeds half of the bias; the most at {}: {:.2g} of the bias, "
              "which leaves {:.0f}% of the gates as they were.",
              halves, cells.size(), named(*swallowed), swallowed->number("bias_error"),
              100 * swallowed->number("bias_lost")),
          fmt::format(
              "Another slot than the true one wins in up to {:.1f}% of rows ({}), by a true lead of at most {:.2g}.",
              100 * decided->number("flipped"), named(*decided), decided->number("margin"))};
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
       {"bias_error", "root mean square of (logit - true gate) - bias, of the bias's"},
       {"flipped", "fraction of rows (window, channel) whose largest logit stands in another slot"},
       {"margin", "largest true lead that was lost so"},
       {"tied", "fraction of rows whose largest logit stands in several slots"},
       {"weights", "||error|| / ||truth|| of the weights"},
       {"output", "of the output"}},
      true,
      &measure,
      &conclude};
}

}  // namespace ulpscope::studies
