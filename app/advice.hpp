// SPDX-License-Identifier: Apache-2.0
// Advice: which single change of a recipe buys most, which stage amplifies, what is not worth fixing. Internal to app.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/tape.hpp"
#include "core/judge/exact.hpp"
#include "core/judge/report.hpp"

namespace ulpscope::app {

/// A run with its attribution, and what it takes to run its recipe again with a change.
struct Advised {
  const compressor::Problem& problem;
  const compressor::Recipe& recipe;
  compressor::Tape run;
  const judge::RunReport& report;
  const judge::Exact& exact;
  std::function<compressor::Tape(const compressor::Recipe&)> again;
  unsigned threads = 1;
};

/// Three sentences, or none where the run has no attribution or its target no error. The first is verified: the changes
/// that the owners of the largest shares suggest are run, one by one, against the truth of the inputs as given.
std::vector<std::string> advice_on(const Advised& advised);

/// The run of a problem that is worth advice: of those whose output has the commonest format, the nearest to the truth;
/// null where none has an attribution.
const judge::RunReport* worth_advice(const std::vector<judge::RunReport>& runs, std::size_t problem);

}  // namespace ulpscope::app
