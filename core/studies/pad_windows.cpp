// SPDX-License-Identifier: Apache-2.0
// Drawn windows with pads.
#include "core/studies/pad_windows.hpp"

#include <stdexcept>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/studies/vectors.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::studies {
namespace {

using compressor::Name;

constexpr std::size_t tokens = 4;
constexpr std::size_t channels = 16;
constexpr double above = 10;

/// N(0, sigma) as bf16 values: input number `input` of a seed, as `make` counts them.
std::vector<double> drawn(std::size_t rows, double sigma, std::uint64_t seed, std::uint32_t input) {
  const precision::Format bf16 = precision::parse_format("bf16");
  std::vector<double> values = times(normals(rows * channels, seed, input), sigma);
  for (double& value : values) value = precision::round(value, bf16);
  return values;
}

/// Numbers in the place of the pads' kv, the tokens' own behind them.
void give_values(Start& start, std::vector<double> kv, std::uint64_t seed) {
  std::vector<double> values = drawn(tokens, 1, seed, 4);
  values.insert(values.end(), kv.begin(), kv.end());
  const compressor::Slot slot = compressor::forward(Name::values);
  start.given.set(slot, {shape_of(slot, start.problem.config), std::move(values), io::DType::f64},
                  precision::parse_format("fp64"));
}

}  // namespace

PadRow parse_pad_row(const std::string& word) {
  if (word == "partial") return PadRow::partial;
  if (word == "above_pad") return PadRow::above_pad;
  if (word == "all_masked") return PadRow::all_masked;
  throw std::invalid_argument("unknown row '" + word + "'; known: partial above_pad all_masked");
}

Start start_of(const PadWindow& window, const compressor::Recipe& recipe) {
  WindowSpec spec{tokens, channels, Front::pads, {}, {}, {}, {}};
  spec.gate = drawn(tokens, 1.5, window.seed, 0);
  spec.kv = drawn(tokens, 1, window.seed, 1);
  spec.ape = drawn(2 * tokens, 0.5, window.seed, 2);
  spec.cotangent = drawn(1, 1, window.seed, 3);
  Start start = start_of(spec);
  if (window.row == PadRow::above_pad) {
    const double pad = compressor::Plan(recipe, start.problem.config).pad().gate;
    spec.gate.assign(spec.gate.size(), pad + above);
    start = start_of(spec);
  }
  if (window.kv == PadKv::data) give_values(start, spec.kv, window.seed);
  return window.row == PadRow::all_masked ? all_masked(std::move(start)) : start;
}

}  // namespace ulpscope::studies
