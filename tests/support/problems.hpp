// SPDX-License-Identifier: Apache-2.0
// Small problems that meet every branch of the driver: remainders, odd widths, several batch rows, masks, prior
// windows; recipes from a few settings.
#pragma once

#include <string>
#include <vector>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "tests/support/random.hpp"

namespace ulpscope::test {

struct SmallProblem {
  std::string name;
  compressor::Problem problem;
};

inline compressor::Tensor random_tensor(const compressor::Shape& shape, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(compressor::element_count(shape));
  for (float& value : values) value = static_cast<float>(random.normal());
  return {shape, std::move(values), io::DType::f32};
}

/// A window of tokens that are not in the sequence stands before window 0.
inline void add_prior(compressor::Problem& problem) {
  using namespace compressor;
  problem.inputs[Name::prior_kv] = random_tensor(shape_of(forward(Name::prior_kv), problem.config), 71);
  problem.inputs[Name::prior_gate] = random_tensor(shape_of(forward(Name::prior_gate), problem.config), 72);
}

/// Batch row b begins with b + 1 tokens of padding, and a new document begins b tokens after its middle.
inline void add_mask_and_segments(compressor::Problem& problem) {
  using namespace compressor;
  const std::size_t tokens = problem.config.batch * problem.config.seq;
  std::vector<double> mask(tokens, 1);
  std::vector<double> ids(tokens, 0);
  for (std::size_t t = 0; t < tokens; ++t) {
    const std::size_t row = t / problem.config.seq;
    const std::size_t in_row = t % problem.config.seq;
    if (in_row <= row) mask[t] = 0;
    if (in_row >= problem.config.seq / 2 + row) ids[t] = 1;
  }
  const Shape shape{problem.config.batch, problem.config.seq};
  problem.inputs[Name::attention_mask] = {shape, std::move(mask), io::DType::boolean};
  problem.inputs[Name::segment_ids] = {shape, std::move(ids), io::DType::i32};
}

/// `base` with several "--set" assignments.
inline compressor::Recipe with_settings(compressor::Recipe base, const std::vector<std::string>& settings) {
  for (const std::string& setting : settings) base = with_setting(base, setting);
  return base;
}

inline compressor::Config small_config(compressor::Mode mode) {
  using namespace compressor;
  Config config;
  config.mode = mode;
  config.overlap = mode == Mode::csa;
  config.ratio = mode == Mode::csa ? 4 : 8;
  config.batch = 2;
  config.seq = mode == Mode::csa ? 38 : 45;
  config.hidden = 24;
  config.head_dim = mode == Mode::csa ? 24 : 20;
  config.rope = Rope{8, 160000, Yarn{}, 3};
  return config;
}

inline std::vector<SmallProblem> small_problems() {
  using namespace compressor;
  std::vector<SmallProblem> problems;
  for (const Mode mode : {Mode::csa, Mode::hca}) {
    const std::string name = mode == Mode::csa ? "csa" : "hca";
    problems.push_back({name, make_problem(small_config(mode), {})});
    problems.push_back({name + " with prior, mask, segments", problems.back().problem});
    add_prior(problems.back().problem);  // without overlap nothing reads it: it must not show
    add_mask_and_segments(problems.back().problem);
  }
  Config indexer = small_config(Mode::csa);
  indexer.head_dim = 32;
  indexer.hadamard = true;
  indexer.quantize = Quantize{"e2m1", 16, 0};
  problems.push_back({"csa with Hadamard and FP4", make_problem(indexer, {})});
  return problems;
}

}  // namespace ulpscope::test
