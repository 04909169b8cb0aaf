// SPDX-License-Identifier: Apache-2.0
// Owners: what each stage of a run did itself, what it received, and its share of the target's error, in a report.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/judge/attribution.hpp"
#include "core/judge/report.hpp"

namespace ulpscope::judge {

/// Fills `local` (the run's slot minus the exact stage on the run's own inputs: its nearest slots that the run holds),
/// `inherited` (that exact stage minus the truth), `vs_floor` and `vs_cast_reference` of every row that the run and
/// `truth` hold, on the elements that contract and attribution admit. `finer`: the slots of a truth that is
/// finer than double.
void split_errors(RunReport& report, const Evidence& evidence, const compressor::Tape& truth,
                  const Enclosures& finer = {});

/// The same, and `bound` of those rows for which one is stated; a local error above it fails its row. For a claimed
/// recipe.
void split_and_bound_errors(RunReport& report, const Evidence& evidence, const compressor::Tape& truth,
                            const Enclosures& finer = {});

/// Of which slot the error is attributed, and how. No target: `output`, where the run holds it; else nothing.
struct AttributionChoice {
  std::optional<compressor::Slot> target;
  AttributionMethod method = AttributionMethod::ladder;
};
/// Fills `attribution` and every row's `contribution`. A chosen target that the run lacks gives a note instead.
void add_attribution(RunReport& report, const Evidence& evidence, const AttributionChoice& choice);

/// Fills `expected` of the attribution's owners, from the recipe alone. For a claimed recipe.
void add_expectation(RunReport& report, const Evidence& evidence);

/// A stage and the share of its steps, in program order of its first step.
struct Owner {
  std::string name;
  std::vector<compressor::Slot> slots;
  std::optional<double> share = {};
  std::optional<double> radius = {};  ///< of the share; none: one of its steps has none
  std::optional<double> expected = {};
};
std::vector<Owner> owners_of(const Attribution& attribution);

}  // namespace ulpscope::judge
