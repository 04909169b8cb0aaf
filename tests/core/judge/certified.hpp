// SPDX-License-Identifier: Apache-2.0
// What the tests of birth certificates share: runs with values planted in them, certified against their truths.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/judge/nonfinite.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

namespace ulpscope::test {

inline compressor::Recipe recipe_of(const std::string& name, const std::vector<std::string>& settings) {
  return with_settings(compressor::load_recipe(name), settings);
}

/// One value in all elements of a slot.
inline compressor::RunOptions filled(compressor::Slot slot, double value) {
  compressor::RunOptions options;
  options.overrides[slot] = [value](compressor::Tensor& tensor) {
    tensor.data = std::vector<double>(tensor.size(), value);
  };
  return options;
}

inline judge::Nonfinite certified(const compressor::Problem& problem, const compressor::Recipe& recipe,
                                  const compressor::RunOptions& options = {}) {
  const compressor::Run run = compressor::run_traced(problem, recipe, options);
  const judge::Truth truth = truth_of(problem, recipe);
  return judge::certify({problem, recipe, run.tape, truth.tape}, 1);
}

inline compressor::Problem plain_problem() {
  compressor::Config config = small_config(compressor::Mode::csa);
  config.batch = 1;
  return compressor::make_problem(config, {});
}

inline std::uint64_t on_path(const judge::BirthCertificate& certificate, compressor::Slot slot) {
  for (const judge::PathStep& step : certificate.path) {
    if (step.slot == slot) return step.count;
  }
  return 0;
}

inline const judge::BirthCertificate& only(const judge::Nonfinite& found) {
  REQUIRE(found.certificates.size() == 1);
  return found.certificates.front();
}

}  // namespace ulpscope::test
