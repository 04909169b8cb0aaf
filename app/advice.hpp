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

/// Ten runs more, at most: half a minute (operations in the projections of one).
inline constexpr double most_operations_of_advice = 0x1p36;

/// A run with its attribution, and what it takes to run its recipe again with a change.
struct Advised {
  /// The report's target in a changed recipe, when the slots of the run that the change does not reach are given.
  using Again = std::function<compressor::Tensor(const compressor::Recipe&, const compressor::Tape& given)>;

  const compressor::Problem& problem;
  const compressor::Recipe& recipe;
  compressor::Tape run;
  const judge::RunReport& report;
  const judge::Exact& exact;
  Again again;
  unsigned threads = 1;
  double most_operations = most_operations_of_advice;  ///< above, no change is run, and the first sentence says so
};

/// Three sentences, or none where the run has no attribution or its target no error. The first is verified: the changes
/// that the owners of the largest shares suggest are run, one by one, against the truth of the inputs as given.
std::vector<std::string> advice_on(const Advised& advised);

/// The run of a problem that is worth advice: of those whose output has the commonest format, the nearest to the truth;
/// null where none has an attribution.
const judge::RunReport* worth_advice(const std::vector<judge::RunReport>& runs, std::size_t problem);

}  // namespace ulpscope::app
