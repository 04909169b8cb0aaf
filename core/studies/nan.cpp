// SPDX-License-Identifier: Apache-2.0
// Study nan: which ways lead to a NaN, where each is born, what cures it, and what the pad has to do with it.
#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "core/compressor/choices.hpp"
#include "core/compressor/run.hpp"
#include "core/io/error.hpp"
#include "core/judge/metrics.hpp"
#include "core/judge/nonfinite.hpp"
#include "core/judge/truth.hpp"
#include "core/studies/nan_cases.hpp"
#include "core/studies/nan_verdict.hpp"

namespace ulpscope::studies {
namespace {

using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Problem;
using compressor::Recipe;
using compressor::Slot;
using compressor::Tape;
using compressor::Tensor;

const std::string as_it_is = "recipe";
const std::vector<Slot> results{forward(Name::output),  gradient(Name::hidden), gradient(Name::w_kv),
                                gradient(Name::w_gate), gradient(Name::ape),    gradient(Name::gamma)};

/// The point's recipe. Throws InputError where there is none such: a VJP that the softmax does not have.
Recipe recipe_at(const Point& at, const Recipe& base, const std::string& pad) {
  std::vector<std::string> settings{"pad.gate=" + pad};
  const auto set = [&](const std::string& axis, std::initializer_list<const char*> fields) {
    if (at.at(axis) == as_it_is) return;
    for (const char* field : fields) settings.push_back(field + ("=" + at.at(axis)));
  };
  set("softmax", {"softmax"});
  set("vjp", {"softmax.vjp", "backward.softmax.vjp"});
  set("softmax_in", {"bias.compute", "bias.storage", "softmax.compute", "softmax.accumulate", "softmax.storage"});
  if (at.at("softmax_in") != as_it_is) settings.emplace_back("softmax.summation=sequential");
  if (at.at("case") != "given") {
    for (const std::string_view setting : nan_case(at.at("case")).settings) settings.emplace_back(setting);
  }
  Recipe recipe = base;
  for (const std::string& setting : settings) recipe = compressor::with_setting(recipe, setting);
  return recipe;
}

/// The worst class of values: NaN, then Inf, then finite.
std::string class_of(const Tape& tape, std::span<const Slot> slots) {
  std::string worst = "finite";
  for (const Slot slot : slots) {
    const compressor::Record* record = tape.find(slot);
    for (std::size_t i = 0; record != nullptr && i < record->tensor.size(); ++i) {
      const double value = record->tensor.at(i);
      if (std::isnan(value)) return "NaN";
      if (std::isinf(value)) worst = "Inf";
    }
  }
  return worst;
}

/// The fraction of elements of output and gradients that are the same bits, or NaN in both.
double equal_bits(const Tape& a, const Tape& b) {
  std::size_t equal = 0;
  std::size_t count = 0;
  for (const Slot slot : results) {
    if (!a.has(slot)) continue;
    const Tensor& x = a.find(slot)->tensor;
    const Tensor& y = b.find(slot)->tensor;
    for (std::size_t i = 0; i < x.size(); ++i, ++count) {
      const double p = x.at(i);
      const double q = y.at(i);
      equal += std::memcmp(&p, &q, sizeof p) == 0 || (std::isnan(p) && std::isnan(q)) ? 1U : 0U;
    }
  }
  return static_cast<double>(equal) / static_cast<double>(count);
}

struct EmptyWindows {
  std::size_t all = 0;
  std::size_t uniform = 0;  ///< their weights are alike: an average of pads
};

/// Windows without a token: with pads of -inf their weights are no numbers, in truth.
EmptyWindows empty_windows(const Tape& run, const Tape& infinite_truth) {
  const Tensor& weights = run.find(forward(Name::weights))->tensor;
  const Tensor& truth = infinite_truth.find(forward(Name::weights))->tensor;
  const std::size_t channels = weights.shape[3];
  const std::size_t row = weights.shape[2] * channels;
  EmptyWindows found;
  for (std::size_t w = 0; w < weights.size(); w += row) {
    bool empty = true;
    bool uniform = weights.at(w) > 0;
    for (std::size_t i = 0; i < row; ++i) {
      empty = empty && std::isnan(truth.at(w + i));
      uniform = uniform && weights.at(w + i) == weights.at(w + i % channels);
    }
    found.all += empty ? 1U : 0U;
    found.uniform += empty && uniform ? 1U : 0U;
  }
  return found;
}

/// The smallest denominator of a softmax row; NaN where the algorithm has none, or one is NaN.
double least_denominator(const Tape& tape) {
  const compressor::Record* record = tape.find(forward(Name::denominator));
  if (record == nullptr) return std::nan("");
  double least = HUGE_VAL;
  for (std::size_t i = 0; i < record->tensor.size(); ++i)
    least = record->tensor.at(i) >= least ? least : record->tensor.at(i);
  return least;
}

double normed_error(const Tape& tape, const Tape& truth) {
  const std::vector<double> run = compressor::to_doubles(tape.find(forward(Name::normed))->tensor);
  const std::vector<double> exact = compressor::to_doubles(truth.find(forward(Name::normed))->tensor);
  double error = 0;
  double norm = 0;
  for (std::size_t i = 0; i < run.size(); ++i) {
    if (std::isnan(exact[i])) continue;  // a window that holds no token
    error += (run[i] - exact[i]) * (run[i] - exact[i]);
    norm += exact[i] * exact[i];
  }
  return std::sqrt(error / norm);
}

/// What a first certificate says, in a few words.
io::Json birth_json(const judge::Nonfinite& found) {
  if (found.certificates.empty()) return {{"born", "-"}, {"masked_by", "-"}, {"cure", "-"}};
  const judge::BirthCertificate& first = found.certificates.front();
  const auto or_none = [](const std::string& text) { return text.empty() ? std::string("none") : text; };
  return {{"born", fmt::format("{}: {} ({})", compressor::to_string(first.slot), first.birth_class, first.operation)},
          {"masked_by", or_none(first.masked_by)},
          {"cure", or_none(first.cure.substr(0, first.cure.find(": ")))}};
}

io::Json measured(const Problem& problem, const Recipe& recipe, const Recipe& with_infinite_pad) {
  const Tape tape = compressor::run_traced(problem, recipe, {}).tape;
  const Tape infinite = compressor::run_traced(problem, with_infinite_pad, {}).tape;
  const auto truth_tape = [&](const Recipe& of) {
    const Recipe exact = judge::truth_recipe(of, problem.config, judge::Basis::quantized);
    return compressor::run_traced(problem, exact, {}).tape;
  };
  const Tape truth = truth_tape(recipe);
  io::Json json{{"forward", class_of(tape, std::span(results).first(1))},
                {"gradient", class_of(tape, std::span(results).subspan(1))}};
  json.update(birth_json(judge::certify({problem, recipe, tape, truth}, 1)));
  const EmptyWindows windows = empty_windows(tape, truth_tape(with_infinite_pad));
  json["empty"] = windows.all;
  json["uniform"] = windows.uniform;
  json["as_inf"] = io::number(equal_bits(tape, infinite));
  json["least_sum"] = io::number(least_denominator(tape));
  json["normed"] = io::number(normed_error(tape, truth));
  return json;
}

io::Json measure(const Point& at, const Subject& subject) {
  const Recipe base = subject.recipe(at.at("recipe"));
  try {
    const Problem problem =
        subject.problem != nullptr ? *subject.problem : problem_of(nan_case(at.at("case")), subject.seed);
    if (problem.config.windows() == 0) return {{"skipped", "no whole window"}};
    return measured(problem, recipe_at(at, base, at.at("pad")), recipe_at(at, base, "-inf"));
  } catch (const InputError& error) {  // a VJP that is not this softmax's, an algorithm that needs other fields
    return {{"skipped", error.what()}};
  }
}

}  // namespace

Study nan() {
  std::vector<std::string> algorithms = compressor::choice_names<compressor::Softmax>();
  algorithms.insert(algorithms.begin(), as_it_is);
  std::vector<std::string> rules = compressor::choice_names<compressor::SoftmaxVjp>();
  rules.insert(rules.begin(), as_it_is);
  return {
      "nan",
      "Which ways lead to a NaN, where is it born, what cures it, and does a finite pad help?",
      {{"recipe", "who computes", {"pr3810"}, {"pr3810", "maxtext", "hf", "native", "fp32", "fp16-pure"}, &recipe_word},
       {"case", "what the inputs do", nan_case_names(), nan_case_names(), nullptr, true},
       {"pad", "gate of slots without a token", {"-inf", "-1e4"}, {"-inf", "-1e4", "-1e9", "lowest", "0"}, &pad_word},
       {"softmax", "algorithm; recipe: its own", {as_it_is}, algorithms},
       {"vjp", "rule of its gradient; recipe: its own", {as_it_is}, rules},
       {"softmax_in",
        "format of logits and softmax; recipe: its own",
        {as_it_is, "bf16"},
        {as_it_is, "bf16", "fp16"},
        &softmax_format_word}},
      {{"forward", "worst class of the output"},
       {"gradient", "worst class of the gradients of the inputs"},
       {"born", "slot, class and operation of the first birth"},
       {"masked_by", "slot that does not pass it on"},
       {"cure", "smallest change of the recipe that was run and cures it"},
       {"empty", "windows without a token"},
       {"uniform", "of these, how many became an average of their pads"},
       {"as_inf", "fraction of output and gradients with the bits that pad -inf gives"},
       {"least_sum", "smallest denominator of the softmax"},
       {"normed", "||normed - truth|| / ||truth||"}},
      true,
      &measure,
      &nan_verdict};
}

}  // namespace ulpscope::studies
