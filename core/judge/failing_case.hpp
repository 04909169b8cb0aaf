// SPDX-License-Identifier: Apache-2.0
// Failing case: the window in which a dump fails, cut out as a problem and a dump of their own.
#pragma once

#include <optional>
#include <string>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/tape.hpp"
#include "core/judge/dump.hpp"
#include "core/judge/report.hpp"

namespace ulpscope::judge {

struct FailingCase {
  compressor::Problem problem;
  compressor::Tape tape;  ///< the dump's slots
  std::string about;      ///< "window 3 of batch row 1", or why it is the whole problem
};

/// One window: its tokens are the whole sequence, what it takes from the window before it are `prior_kv` and
/// `prior_gate` (the dump's own rows where it holds them, else the recipe's), positions begin at its own. Slots that
/// sum over windows or tokens are left out, and with overlap gradients that the next window adds to. Nothing where such
/// a slot is the one that fails, where there is one window anyway, or where the cut-out window does not fail as it does
/// in its place (its row before is masked, say): compared by `recipe`, the first slot to fail must be the verdict's, at
/// the same element, with the same values. `dump` is on its judged problem.
std::optional<FailingCase> failing_window(const compressor::Problem& problem, const Dump& dump,
                                          const compressor::Recipe& recipe, const Verdict& verdict);

}  // namespace ulpscope::judge
