// SPDX-License-Identifier: Apache-2.0
// Bugs in what a port reads and in how it is set up.
#include <algorithm>
#include <cmath>

#include "core/judge/mutant_plants.hpp"
#include "precision/round_array.hpp"

namespace ulpscope::judge::plants {
namespace {

using compressor::Name;
using compressor::Tensor;
using Doubles = std::vector<double>;

template <class Edit>
void edit(Planted& planted, Name name, Edit change) {
  Tensor& tensor = planted.problem.inputs.at(name);
  Doubles values = compressor::to_doubles(tensor);
  change(values);
  tensor = {tensor.shape, std::move(values), io::DType::f64};
}

void set(Planted& planted, std::initializer_list<const char*> settings) {
  for (const char* setting : settings) planted.recipe = compressor::with_setting(planted.recipe, setting);
}

/// The first half of every `width` values changes places with the second.
void swap_halves(Doubles& values, std::size_t width) {
  const auto half = static_cast<std::ptrdiff_t>(width / 2);
  for (auto row = values.begin(); row != values.end(); row += 2 * half) std::swap_ranges(row, row + half, row + half);
}

void swap_feature_halves(Planted& planted, Name weights) {
  edit(planted, weights, [](Doubles& values) { swap_halves(values, values.size()); });
}

}  // namespace

void kv_halves_swapped(Planted& planted) { swap_feature_halves(planted, Name::w_kv); }

void gate_halves_swapped(Planted& planted) { swap_feature_halves(planted, Name::w_gate); }

void kv_and_gate_swapped(Planted& planted) {
  std::swap(planted.problem.inputs.at(Name::w_kv), planted.problem.inputs.at(Name::w_gate));
}

void one_token_late(Planted& planted) {
  const compressor::Config& config = planted.problem.config;
  edit(planted, Name::hidden, [&](Doubles& values) {
    const auto hidden = static_cast<std::ptrdiff_t>(config.hidden);
    const auto row = static_cast<std::ptrdiff_t>(config.seq) * hidden;
    for (auto first = values.begin(); first != values.end(); first += row)
      std::copy_backward(first, first + row - hidden, first + row);
  });
}

void fp8_hidden(Planted& planted) {
  edit(planted, Name::hidden,
       [](Doubles& values) { precision::round_array(values, values, precision::parse_format("e4m3fn")); });
}

void mask_ignored(Planted& planted) { planted.problem.inputs.erase(Name::attention_mask); }

void segments_ignored(Planted& planted) { planted.problem.inputs.erase(Name::segment_ids); }

void ape_missing(Planted& planted) {
  edit(planted, Name::ape, [](Doubles& values) { std::fill(values.begin(), values.end(), 0.); });
}

void ape_bf16(Planted& planted) {
  edit(planted, Name::ape,
       [](Doubles& values) { precision::round_array(values, values, precision::parse_format("bf16")); });
}

void ape_shifted(Planted& planted) {
  const auto features = static_cast<std::ptrdiff_t>(planted.problem.config.features());
  edit(planted, Name::ape,
       [&](Doubles& values) { std::rotate(values.begin(), values.begin() + features, values.end()); });
}

void ape_halves_swapped(Planted& planted) {
  const std::size_t features = planted.problem.config.features();
  edit(planted, Name::ape, [features](Doubles& values) { swap_halves(values, features); });
}

void pad_gate_0(Planted& planted) { set(planted, {"pad.gate=0"}); }
void kv_nan_in_pad(Planted& planted) { set(planted, {"pad.kv=nan"}); }

void gamma_plus_one(Planted& planted) {
  edit(planted, Name::gamma, [](Doubles& values) {
    for (double& value : values) value += 1;
  });
}

void large_eps(Planted& planted) { planted.problem.config.eps *= 10; }

void no_yarn(Planted& planted) { planted.problem.config.rope->yarn.reset(); }

void other_theta(Planted& planted) {
  double& theta = planted.problem.config.rope->theta;
  theta = theta == 10000 ? 160000 : 10000;
}

void frequencies_bf16(Planted& planted) { set(planted, {"rope_table.frequencies=bf16"}); }
void max_not_subtracted(Planted& planted) { set(planted, {"softmax=naive"}); }
void softmax_bf16(Planted& planted) { set(planted, {"softmax.compute=bf16", "softmax.accumulate=bf16"}); }
void weights_bf16(Planted& planted) { set(planted, {"softmax.storage=bf16"}); }
void pool_bf16(Planted& planted) { set(planted, {"pool.accumulate=bf16"}); }

}  // namespace ulpscope::judge::plants
