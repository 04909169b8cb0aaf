// SPDX-License-Identifier: Apache-2.0
// Study nan: which ways lead to a NaN, where each is born, what cures it, and what the pad has to do with it.
#include "core/compressor/choices.hpp"
#include "core/io/error.hpp"
#include "core/studies/nan_cases.hpp"
#include "core/studies/nan_outcome.hpp"
#include "core/studies/nan_verdict.hpp"
#include "core/studies/settings.hpp"
#include "core/studies/softmax_rules.hpp"

namespace ulpscope::studies {
namespace {

using compressor::Problem;
using compressor::Recipe;

const std::string as_it_is = "recipe";

void softmax_format_word(const std::string& word) {
  if (word != as_it_is) format_word(word);
}

/// The point's recipe. Throws InputError where there is none such: a VJP that the softmax does not have.
using Settings = std::vector<std::string>;

// What the values of the axes set; as_it_is: nothing.
Settings pad_settings(const std::string& pad) { return {"pad.gate=" + pad}; }
Settings settings_to(const std::string& value, std::initializer_list<const char*> fields) {
  Settings settings;
  for (const char* field : fields) {
    if (value != as_it_is) settings.push_back(field + ("=" + value));
  }
  return settings;
}
Settings softmax_settings(const std::string& word) { return settings_to(word, {"softmax"}); }
Settings vjp_settings(const std::string& word) { return settings_to(word, {"softmax.vjp", "backward.softmax.vjp"}); }
Settings format_settings(const std::string& word) {
  Settings settings =
      settings_to(word, {"bias.compute", "bias.storage", "softmax.compute", "softmax.accumulate", "softmax.storage"});
  if (word != as_it_is) settings.emplace_back("softmax.summation=sequential");
  return settings;
}
Settings case_settings(const std::string& word) {
  if (word == "given") return {};
  const auto& settings = nan_case(word).settings;
  return {settings.begin(), settings.end()};
}

template <Settings settings(const std::string&)>
io::Json sets(const std::string& word) {
  return settings_overlay(settings(word));
}

Recipe recipe_at(const Point& at, const Recipe& base, const std::string& pad) {
  Recipe recipe = base;
  for (const Settings& settings : {pad_settings(pad), softmax_settings(at.at("softmax")), vjp_settings(at.at("vjp")),
                                   format_settings(at.at("softmax_in")), case_settings(at.at("case"))}) {
    for (const std::string& setting : settings) recipe = compressor::with_setting(recipe, setting);
  }
  return recipe;
}

io::Json measure(const Point& at, const Subject& subject) {
  const Recipe base = subject.recipe(at.at("recipe"));
  try {
    const Problem problem =
        subject.problem != nullptr ? *subject.problem : problem_of(nan_case(at.at("case")), subject.seed);
    if (problem.config.windows() == 0) return {{"skipped", "no whole window"}};
    const Recipe recipe = recipe_at(at, base, at.at("pad"));
    const std::string why = at.at("vjp") == as_it_is ? "" : refused_vjp(recipe.softmax, at.at("vjp"));
    if (!why.empty()) return {{"skipped", why}};
    return outcome_of(problem, recipe, recipe_at(at, base, "-inf"));
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
       {"case",
        "what the inputs do",
        {"ordinary", "left_padded", "gates_-200", "gates_100", "gate_inf", "kv_nan_in_pad", "small_csa", "small_hca"},
        nan_case_names(),
        nullptr,
        true,
        &sets<case_settings>},
       {"pad",
        "gate of slots without a token",
        {"-inf", "-1e4"},
        {"-inf", "-1e4", "-1e9", "lowest", "0"},
        &pad_word,
        false,
        &sets<pad_settings>},
       {"softmax", "algorithm; recipe: its own", {as_it_is}, algorithms, nullptr, false, &sets<softmax_settings>},
       {"vjp", "rule of its gradient; recipe: its own", {as_it_is}, rules, nullptr, false, &sets<vjp_settings>},
       {"softmax_in",
        "format of logits and softmax; recipe: its own",
        {as_it_is, "bf16"},
        {as_it_is, "bf16", "fp16"},
        &softmax_format_word,
        false,
        &sets<format_settings>}},
      {{"result", "worst class of output and gradients"},
       {"born", "slot and class of the first birth"},
       {"masked_by", "slot that does not pass it on"},
       {"cure", "smallest change of the recipe that was run and cures it"},
       {"averaged", "windows without a token that became an average of their pads"},
       {"normed", "||normed - truth|| / ||truth||, where both are finite; nothing without a norm"},
       {"forward", "worst class of the output", true},
       {"gradient", "worst class of the gradients of the inputs", true},
       {"empty", "windows without a token", true},
       {"as_inf", "fraction of output and gradients with the bits that pad -inf gives", true},
       {"least_sum", "smallest denominator of the softmax", true}},
      true,
      &measure,
      &nan_verdict};
}

}  // namespace ulpscope::studies
