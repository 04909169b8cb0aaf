// SPDX-License-Identifier: Apache-2.0
// Gates around a given number: the first hidden feature is 1, and its weight is that number.
#include "core/studies/nan_cases.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace ulpscope::studies {
namespace {

using compressor::Name;
using compressor::Problem;
using compressor::Tensor;

constexpr std::size_t tokens = 12;

/// The first window's tokens are padding: all of its slots are masked, and half of the next window's.
void mask_first_window(Problem& problem) {
  std::vector<double> mask(tokens, 1);
  std::fill_n(mask.begin(), problem.config.ratio, 0.0);
  problem.inputs[Name::attention_mask] = {{1, tokens}, std::move(mask), io::DType::boolean};
}

float& element(Problem& problem, Name name, std::size_t index) {
  return std::get<io::Buffer<float>>(problem.inputs.at(name).data).writable()[index];
}

/// One token's gate is +inf in one channel.
void make_gate_infinite(Problem& problem) {
  element(problem, Name::w_gate, 0) = std::numeric_limits<float>::infinity();
}

/// 2^120 in bf16 and fp32; half formats have no such number.
void raise_cotangent(Problem& problem) {
  for (std::size_t i = 0; i < problem.input(Name::cotangent).size(); ++i)
    element(problem, Name::cotangent, i) *= 0x1p120F;
}

}  // namespace

std::span<const NanCase> nan_cases() {
  static const std::vector<NanCase> cases{
      {"ordinary", "pads only where the first window has no previous one"},
      {"left_padded", "and the first window holds no token at all", 0, 1, &mask_first_window, {"mask=pad"}},
      {"gates_-60", "every gate near -60", -60},
      {"gates_-200", "every gate near -200", -200},
      {"gates_60", "every gate near 60", 60},
      {"gates_100", "every gate near 100", 100},
      {"gate_inf", "one weight of the gate is +inf", 0, 1, &make_gate_infinite},
      {"kv_nan_in_pad", "a pad's kv is not 0 but NaN", 0, 1, nullptr, {"pad.kv=nan"}},
      {"kv_inf_in_pad", "a pad's kv is not 0 but inf", 0, 1, nullptr, {"pad.kv=inf"}},
      {"values_300", "values of 300, whose squares no half holds", 0, 300},
      {"cotangent_2^120", "a cotangent of 2^120, as a loss scale could make it", 0, 1, &raise_cotangent},
      {"small_csa", "preset small-csa", 0, 1, nullptr, {}, "small-csa"},
      {"small_hca", "preset small-hca", 0, 1, nullptr, {}, "small-hca"},
  };
  return cases;
}

std::vector<std::string> nan_case_names() {
  std::vector<std::string> names;
  for (const NanCase& one : nan_cases()) names.emplace_back(one.name);
  return names;
}

const NanCase& nan_case(std::string_view name) {
  for (const NanCase& one : nan_cases()) {
    if (one.name == name) return one;
  }
  throw std::logic_error("no case " + std::string(name));
}

Problem problem_of(const NanCase& one, std::uint64_t seed) {
  compressor::Config config;
  config.mode = compressor::Mode::csa;
  config.ratio = 4;
  config.overlap = true;
  config.seq = tokens;
  config.hidden = 16;
  config.head_dim = 8;
  compressor::MakeOptions drawn;
  drawn.seed = seed;
  drawn.gate_sigma = 1;
  Problem problem = compressor::make_problem(config, drawn);
  if (!one.preset.empty()) return compressor::make_problem(compressor::preset(one.preset), {.seed = seed});
  const std::size_t h = config.hidden;
  for (std::size_t t = 0; t < tokens; ++t) element(problem, Name::hidden, t * h) = 1;
  for (std::size_t f = 0; f < config.features(); ++f) {
    element(problem, Name::w_gate, f * h) = static_cast<float>(one.gate);
    element(problem, Name::w_kv, f * h) = static_cast<float>(one.kv == 1 ? 0 : one.kv);
  }
  if (one.shape != nullptr) one.shape(problem);
  problem.source = "case " + std::string(one.name);
  return problem;
}

}  // namespace ulpscope::studies
