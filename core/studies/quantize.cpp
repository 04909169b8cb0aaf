// SPDX-License-Identifier: Apache-2.0
// Study quantize: scale rules, ties, blocks and Hadamard of a quantised cache: values, top-k of an indexer, a bad
// value.
#include <cmath>

#include "core/studies/errors.hpp"
#include "core/studies/quantize_conclusion.hpp"
#include "core/studies/quantized_values.hpp"
#include "core/studies/selection.hpp"
#include "core/studies/settings.hpp"

namespace ulpscope::studies {
namespace {

using compressor::Config;
using compressor::forward;
using compressor::Name;
using compressor::Problem;
using compressor::Tensor;

/// The problem with the point's blocks and Hadamard transform; null where the widths do not allow them.
std::optional<Problem> problem_at(const Point& at, const Subject& subject) {
  const Problem problem = problem_of(subject, {at.at("mode"), 1.5, 0.5, 128});
  Config config = problem.config;
  config.hadamard = at.at("hadamard") != "off";
  config.quantize = compressor::Quantize{at.at("format"), at.count("block"), 0};
  const bool power_of_two = (config.head_dim & (config.head_dim - 1)) == 0;
  if (config.head_dim % config.quantize->block != 0 || (config.hadamard && !power_of_two)) return std::nullopt;
  return with_config(problem, config);
}

/// fp32 throughout but for the rules of the quantiser and the format of the transform.
compressor::Recipe recipe_at(const Point& at, const Subject& subject) {
  compressor::Recipe recipe = with_setting(subject.recipe("fp32"), "quantize.scale=" + at.at("scale"));
  recipe = with_setting(recipe, "quantize.ties=" + at.at("ties"));
  if (at.at("hadamard") == "off") return recipe;
  return with_setting(with_setting(recipe, "hadamard.compute=" + at.at("hadamard")),
                      "hadamard.storage=" + at.at("hadamard"));
}

io::Json sets_scale(const std::string& word) { return settings_overlay({"quantize.scale=" + word}); }
io::Json sets_ties(const std::string& word) { return settings_overlay({"quantize.ties=" + word}); }
io::Json sets_hadamard(const std::string& word) {
  if (word == "off") return io::Json::object();
  return settings_overlay({"hadamard.compute=" + word, "hadamard.storage=" + word});
}

/// The first value of every block replaced before it is quantised.
std::vector<double> poisoned(std::vector<double> entries, const Point& at) {
  if (at.at("poison") == "none") return entries;
  for (std::size_t i = 0; i < entries.size(); i += at.count("block")) entries[i] = at.number("poison");
  return entries;
}

void poison_word(const std::string& word) {
  if (word != "none") number_word(word);
}

io::Json measure(const Point& at, const Subject& subject) {
  const auto problem = problem_at(at, subject);
  if (!problem) return skipped("the width is no multiple of the block, or no power of two");
  if (at.at("poison") != "none" && at.count("block") == 1) return skipped("a block of one value is its poison alone");
  if (const auto empty = empty_point(*problem)) return *empty;
  Config rest = problem->config;
  rest.quantize.reset();
  const Name input = last_forward_slot(rest);
  rest.hadamard = false;
  const Name before = last_forward_slot(rest);
  compressor::RunOptions forward_only;
  forward_only.gradients = compressor::Gradients::none;
  const compressor::Tape truth = run_traced(*problem, compressor::load_recipe("fp64"), forward_only).tape;
  const Tensor exact = truth.find(forward(input))->tensor;
  const compressor::Recipe recipe = recipe_at(at, subject);
  Tensor given = exact;
  if (input != before) given = run_step(*problem, recipe, {before, input}, truth.find(forward(before))->tensor);
  given.data = poisoned(to_doubles(given), at);
  const Tensor quantized = run_step(*problem, recipe, {input, Name::quantized}, given);
  const Tensor native = run_step(*problem, compressor::load_recipe("fp32"), {input, Name::quantized}, exact);
  const bool whole = at.at("poison") == "none";
  const QuantizedValues counts = compare_quantized(quantized, native, exact, whole ? 0 : at.count("block"));
  const auto share = [&](std::size_t count) {
    return io::number(static_cast<double>(count) / static_cast<double>(counts.values));
  };
  return {{"error", io::number(std::sqrt(counts.error / counts.norm))},
          {"changed", share(counts.changed)},
          {"zeroed", share(counts.zeroed)},
          {"nonfinite", share(counts.nonfinite)},
          {"flips", io::number(whole ? selection_flips(quantized, exact, subject.seed) : std::nan(""))}};
}

}  // namespace

Study quantize() {
  return {
      "quantize",
      "What do a cache's blocks, scales, ties and Hadamard transform change, in values and in what an indexer selects?",
      {{"format", "of the elements", {"e4m3fn", "e2m1"}, {"e4m3fn", "e5m2", "e2m3", "e3m2", "e2m1"}, &format_word},
       {"block", "values that share a scale", {"32", "128"}, {"16", "32", "64", "128"}, &count_word},
       {"scale",
        "2^ceil(log2(amax / max)), or amax / max",
        {"pow2_ceil", "linear"},
        {"pow2_ceil", "linear"},
        nullptr,
        false,
        &sets_scale},
       {"ties",
        "where half way between two elements goes",
        {"even"},
        {"even", "away", "toward_zero"},
        nullptr,
        false,
        &sets_ties},
       {"hadamard",
        "off, or the format of the transform before",
        {"off", "bf16"},
        {"off", "fp32", "bf16", "fp16"},
        nullptr,
        false,
        &sets_hadamard},
       {"poison",
        "none, or what the first value of each block is replaced with",
        {"none", "-1e4"},
        {"none", "-1e4", "1e30", "inf"},
        &poison_word},
       mode_axis()},
      {{"error", "||error|| / ||truth|| against the values before quantisation, in exact arithmetic"},
       {"changed", "fraction of values that the native rule (pow2_ceil, even, exact transform) gives otherwise"},
       {"zeroed", "fraction of values that become 0"},
       {"nonfinite", "fraction that become NaN or infinite"},
       {"flips", "fraction of selected entries (a quarter of a row, 64 random queries) that are selected no more"}},
      true,
      &measure,
      &quantize_conclusion};
}

}  // namespace ulpscope::studies
