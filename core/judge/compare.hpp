// SPDX-License-Identifier: Apache-2.0
// Compare: a run or a dump, slot by slot, against its truth and against what its recipe explains.
#pragma once

#include <optional>
#include <string>

#include "core/compressor/run.hpp"
#include "core/judge/dump.hpp"
#include "core/judge/report.hpp"
#include "core/judge/truth.hpp"

namespace ulpscope::judge {

/// One of our runs against its truth: every slot that the recipe computes. Rows describe; a class that the truth does
/// not have is a failure. `problem` must outlive the call only.
RunReport measure_run(const compressor::Problem& problem, const compressor::Run& run, const Truth& truth,
                      unsigned threads);

struct CompareOptions {
  Tolerance tolerance;               ///< given: judged against the truth by it, and not by replay
  std::optional<std::string> slots;  ///< a regular expression for whole slot names
  unsigned threads = 1;
};

/// The problem under the dump's own config, where it has one.
compressor::Problem judged_problem(const compressor::Problem& problem, const Dump& dump);

/// A dump against `truth` (of `recipe`, on the judged problem) and, where a recipe is claimed and no tolerance given,
/// by replay: a slot passes iff its classes are the replay's and |dump - replay| <= 1 ulp of its storage + the freedom
/// that the recipe leaves open (Replayed, whose cap limits how often), for every element, or a few single roundings on
/// the way explain all that do not. Without recipe and tolerance only classes are judged, and rows that agree in them
/// are undecided; `truth.recipe` then says which slots there are. The verdict is about the first slot in program order
/// that fails. Throws InputError where `slots` matches nothing in the dump.
struct Claim {
  const std::optional<compressor::Recipe>& recipe;
  const Truth& truth;
};
RunReport compare(const compressor::Problem& problem, const Dump& dump, const Claim& claim,
                  const CompareOptions& options);

/// Two dumps of one problem, slot by slot: bits, or a tolerance; `b` is the reference. A slot that only one of them
/// holds fails. Throws InputError where `slots` matches nothing in either.
RunReport diff(const compressor::Problem& problem, const Dump& a, const Dump& b, const CompareOptions& options);

}  // namespace ulpscope::judge
