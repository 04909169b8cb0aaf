// SPDX-License-Identifier: Apache-2.0
// Study underflow: which weights become 0, and what is lost with them, beside what theory says.
#include <cmath>

#include "core/studies/gate_rows.hpp"
#include "core/studies/study.hpp"
#include "core/studies/thresholds.hpp"
#include "core/studies/underflow_conclusion.hpp"
#include "core/studies/underflow_losses.hpp"
#include "core/studies/windows.hpp"
#include "precision/format.hpp"

namespace ulpscope::studies {
namespace {

using compressor::Name;
using compressor::Recipe;
using compressor::Tape;
using io::Json;

const std::string as_computed = "computed";

void accumulate_word(const std::string& word) {
  if (word != as_computed) format_word(word);
}

void exp_word(const std::string& word) { precision::parse_exp(word); }

std::vector<std::string> exps() { return {precision::exp_names().begin(), precision::exp_names().end()}; }

// What the values of the axes set.
Json sets_softmax(const std::string& word) { return {{"softmax", word}, {"stages", {{"online", {{"tile", 16}}}}}}; }
Json sets_exp(const std::string& word) { return {{"stages", {{"softmax", {{"exp", word}}}}}}; }
Json sets_accumulate(const std::string& format) {
  const Json sum{{"accumulate", format}};
  return {{"stages", {{"softmax", sum}, {"pool", sum}}}};
}
/// As computed, it is the format's to say which: they are set all the same.
Json sets_sums(const std::string& word) { return sets_accumulate(word == as_computed ? "fp32" : word); }

Recipe recipe_of(const Point& at, const Subject& subject) {
  const Upcast upcast = parse_upcast(at.at("format"));
  const std::string& accumulate = at.at("accumulate");
  Json overlay = overlay_of(upcast);
  for (const Json& part : {sets_softmax(at.at("softmax")), sets_exp(at.at("exp")),
                           sets_accumulate(accumulate == as_computed ? upcast.computed : accumulate)})
    overlay.merge_patch(part);
  return variant(subject.recipe("fp32"), overlay);
}

/// The run's own kv and gate, in fp64 from there on.
Tape truth_of(const Start& start, const Recipe& recipe, const Tape& tape) {
  Start own{start.problem, {}};
  for (const Name name : {Name::kv, Name::gate}) {
    const compressor::Record& record = *tape.find(forward(name));
    own.given.set(forward(name), record.tensor, record.format);
  }
  return run(own, exact_recipe(recipe, start.problem.config));
}

Json measure(const Point& at, const Subject& subject) {
  const Recipe recipe = recipe_of(at, subject);
  const Upcast upcast = parse_upcast(at.at("format"));
  const precision::Exp exp = precision::parse_exp(at.at("exp"));
  if (subject.problem != nullptr && subject.problem->config.windows() == 0) return {{"skipped", "no window"}};
  const Start start = subject.problem != nullptr
                          ? Start{*subject.problem, {}}
                          : rounded(gate_rows(at.at("gates"), at.count("length"), subject.seed), recipe);
  const Tape tape = run(start, recipe);
  const Tape truth = truth_of(start, recipe, tape);
  const Losses lost = losses(tape, truth, std::exp(zero_in_theory(upcast)));
  return {{"zeroed", io::number(lost.zeroed)},
          {"predicted", io::number(lost.predicted)},
          {"mass_lost", io::number(lost.mass)},
          {"grad_lost", io::number(lost.gradient)},
          {"nan", io::number(lost.nan)},
          {"denominator", io::number(lost.denominator)},
          {"zero_at", io::number(largest_zero(upcast, exp))},
          {"theory", io::number(zero_in_theory(upcast))},
          {"exp_is", origin_of(exp)}};
}

std::vector<Axis> axes() {
  return {
      {"gates",
       "normal:S is N(0, S); low:L N(-L, 1); gap:G one 0, the others -G; range:R evenly from -R to 0",
       {"normal:1", "normal:12", "low:110", "gap:90"},
       {"normal:1", "normal:3", "normal:12", "normal:30", "low:110", "gap:10", "gap:90", "gap:100", "range:20",
        "range:200"},
       &gates_word,
       true},
      {"length", "slots of a row", {"128"}, {"8", "128"}, &count_word, true},
      {"softmax",
       "algorithm",
       {"shifted", "naive"},
       {"shifted", "naive", "log_softmax", "online"},
       nullptr,
       false,
       &sets_softmax},
      {"format",
       "of everything; bf16/fp32: weights cast to bf16, softmax in fp32",
       {"fp32", "bf16/fp32", "fp16/fp32", "e4m3fn/fp32"},
       {"fp32", "fp32:ftz", "bf16/fp32", "fp16/fp32", "e5m2/fp32", "e4m3fn/fp32", "bf16", "fp16", "e5m2", "e4m3fn"},
       &upcast_word,
       false,
       &sets_upcast},
      {"accumulate", "of the sums", {as_computed}, {as_computed, "bf16", "fp16"}, &accumulate_word, false, &sets_sums},
      {"exp", "whose exponential", {"correct"}, exps(), &exp_word, false, &sets_exp}};
}

}  // namespace

Study underflow() {
  return {"underflow",
          "Which weights become 0, what is lost with them, and does the denominator ever underflow?",
          axes(),
          {{"zeroed", "fraction of the weights that are 0 and should not be"},
           {"predicted", "fraction that is below the threshold of theory"},
           {"mass_lost", "largest sum of a row's weights that became 0"},
           {"grad_lost", "part of the sum of |grad.logits| that became 0"},
           {"nan", "fraction of the weights that are no number"},
           {"denominator", "the smallest that is a number"},
           {"zero_at", "largest d whose exp(d) becomes 0"},
           {"theory", "where theory has it"},
           {"exp_is", "run on this machine, or modelled"}},
          true,
          &measure,
          &underflow_conclusion};
}

}  // namespace ulpscope::studies
