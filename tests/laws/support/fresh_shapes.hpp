// SPDX-License-Identifier: Apache-2.0
// Fresh random problems: ten shapes of one seed, ULPSCOPE_TEST_SEED or a fixed one.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <string>

#include "core/compressor/problem.hpp"
#include "tests/support/problems.hpp"

namespace ulpscope::test {

inline std::uint64_t fresh_seed() {
  const char* given = std::getenv("ULPSCOPE_TEST_SEED");
  return given == nullptr ? 1 : std::strtoull(given, nullptr, 10);
}

inline compressor::Problem fresh_problem(std::uint64_t seed, std::size_t index) {
  using namespace compressor;
  Random random(seed * 1000 + index);
  for (int i = 0; i < 8; ++i) static_cast<void>(random.bits());
  const auto between = [&](std::size_t low, std::size_t high) { return low + random.index(high - low + 1); };
  Config config;
  config.mode = index % 2 == 0 ? Mode::csa : Mode::hca;
  config.overlap = config.mode == Mode::csa;
  constexpr std::size_t ratios[] = {128, 8, 40, 128, 24};
  config.ratio = config.overlap ? 4 : ratios[index / 2 % 5];
  config.batch = between(1, 4);
  const std::size_t windows = between(2, std::max<std::size_t>(2, 200 / (config.ratio * config.batch)));
  config.seq = windows * config.ratio + (index % 3 == 0 ? 0 : between(1, config.ratio - 1));
  config.hidden = between(8, 64);
  config.head_dim = 2 * between(3, 16);
  if (index % 4 != 3) {
    config.rope = Rope{2 * between(1, config.head_dim / 2), random.index(2) == 0 ? 10000. : 160000., std::nullopt, 0};
    if (index % 4 != 2) config.rope->yarn = Yarn{};
  }
  MakeOptions options;
  options.seed = random.bits() >> 33;
  options.gate_sigma = random.uniform(.3, 4);
  options.ape_sigma = random.uniform(.1, 2);
  Problem problem = make_problem(config, options);
  if (index % 5 == 4) add_mask_and_segments(problem);
  return problem;
}

}  // namespace ulpscope::test
