// SPDX-License-Identifier: Apache-2.0
// Windows as problems, and their runs.
#include "core/studies/windows.hpp"

#include <stdexcept>

#include "core/compressor/recipe_merge.hpp"
#include "core/compressor/run.hpp"
#include "core/judge/truth.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::studies {
namespace {

using compressor::Config;
using compressor::Name;
using compressor::Shape;
using compressor::Tensor;

Config config_of(const WindowSpec& spec) {
  Config config;
  config.mode = spec.front == Front::pads ? compressor::Mode::csa : compressor::Mode::hca;
  config.overlap = spec.front == Front::pads;
  config.ratio = spec.tokens;
  config.seq = spec.tokens;
  config.hidden = 1;
  config.head_dim = spec.channels;
  config.norm = false;
  return config;
}

Tensor tensor_of(Shape shape, std::vector<double> values) {
  if (values.size() != compressor::element_count(shape))
    throw std::logic_error("a window's values do not fill " + compressor::to_string(shape));
  return {std::move(shape), std::move(values), io::DType::f64};
}

/// Rows of tokens as the layer has them: with overlap each token has two halves, and this window reads the second.
std::vector<double> token_rows(const WindowSpec& spec, const std::vector<double>& own) {
  std::vector<double> values(spec.tokens * spec.channels, 0.0);
  if (!own.empty()) values = own;
  if (spec.front == Front::none) return values;
  std::vector<double> halves(2 * values.size(), 0.0);
  for (std::size_t i = 0; i < values.size(); ++i)
    halves[(2 * (i / spec.channels) + 1) * spec.channels + i % spec.channels] = values[i];
  return halves;
}

/// [slots, channels] as [tokens, halves * channels].
std::vector<double> ape_rows(const WindowSpec& spec) {
  const std::size_t halves = spec.slots() / spec.tokens;
  std::vector<double> values(spec.slots() * spec.channels, 0.0);
  for (std::size_t i = 0; i < spec.ape.size(); ++i) {
    const std::size_t slot = i / spec.channels;
    const std::size_t half = slot / spec.tokens;
    values[((slot % spec.tokens) * halves + half) * spec.channels + i % spec.channels] = spec.ape[i];
  }
  return values;
}

}  // namespace

Start start_of(const WindowSpec& spec) {
  const Config config = config_of(spec);
  const precision::Format as_given = precision::parse_format("fp64");
  Start start{compressor::make_problem(config, {}), {}};
  start.problem.source = "a window of the study's own";
  const auto set_input = [&](Name name, std::vector<double> values) {
    start.problem.inputs[name] = tensor_of(shape_of(compressor::forward(name), config), std::move(values));
  };
  const auto give = [&](Name name, std::vector<double> values) {
    const compressor::Slot slot = compressor::forward(name);
    start.given.set(slot, tensor_of(shape_of(slot, config), std::move(values)), as_given);
  };
  set_input(Name::ape, ape_rows(spec));
  set_input(Name::cotangent, spec.cotangent.empty() ? std::vector<double>(spec.channels, 1.0) : spec.cotangent);
  give(Name::gate, token_rows(spec, spec.gate));
  give(Name::kv, token_rows(spec, spec.kv));
  return start;
}

Start all_masked(Start start) {
  const Shape shape{start.problem.config.batch, start.problem.config.seq};
  std::vector<double> mask(compressor::element_count(shape), 0.0);
  start.problem.inputs[Name::attention_mask] = {shape, std::move(mask), io::DType::boolean};
  return start;
}

Start rounded(Start start, const compressor::Recipe& recipe) {
  compressor::Tape given;
  for (const auto& [slot, record] : start.given.records()) {
    const precision::Format format = compressor::storage_format(slot, recipe, start.problem.config);
    std::vector<double> values = compressor::to_doubles(record.tensor);
    for (double& value : values) value = precision::round(value, format);
    given.set(slot, tensor_of(record.tensor.shape, std::move(values)), format);
  }
  start.given = std::move(given);
  return start;
}

compressor::Tape run(const Start& start, const compressor::Recipe& recipe) {
  return compressor::run_pinned(start.problem, recipe, start.given, {});
}

compressor::Recipe variant(const compressor::Recipe& base, const io::Json& overlay) {
  return compressor::recipe_from_json(compressor::merged(base.spec, overlay), "recipe " + base.name);
}

compressor::Recipe exact_recipe(const compressor::Recipe& recipe, const Config& config) {
  return variant(judge::truth_recipe(recipe, config, judge::Basis::given), {{"softmax", "shifted"}});
}

const Tensor& tensor_in(const compressor::Tape& tape, compressor::Slot slot) {
  const compressor::Record* const record = tape.find(slot);
  if (record == nullptr) throw std::logic_error("a window's run has no " + compressor::to_string(slot));
  return record->tensor;
}

}  // namespace ulpscope::studies
