// SPDX-License-Identifier: Apache-2.0
// The ledger: accounts of underflow over the slots of a run or a dump, against the recipe that it ran or claims.
#pragma once

#include <map>
#include <vector>

#include "core/judge/ledger_exact.hpp"
#include "core/judge/ledger_line.hpp"
#include "core/judge/replay.hpp"
#include "core/judge/slot_filter.hpp"

namespace ulpscope::judge {

/// What the accounts are kept on. `replayer` is that of `problem`, `recipe` and `tape`.
struct Books {
  const compressor::Problem& problem;
  const compressor::Recipe& recipe;
  const compressor::Tape& tape;
  const compressor::Tape& truth;
  const Replayer& replayer;
  Gaps gaps = Gaps::replay;  ///< leave: a run of ours, whose values need no second look
  const SlotFilter* filter = nullptr;
  /// Token slots of which the tape holds only these shapes' rows.
  const std::map<compressor::Slot, compressor::Shape>* partial = nullptr;
};

/// A line for every slot that the tape holds and the recipe computes, in program order; tables apart, which hold no
/// value that could underflow. Nothing for a problem without a window.
///
/// One pass over each slot; an exact stage only where a slot holds a 0, a subnormal or a clamped number. The last line
/// of a softmax is about its denominator: that it cannot underflow where the maximum is subtracted, and what is lost
/// instead.
std::vector<LedgerLine> keep_ledger(const Books& books);

}  // namespace ulpscope::judge
