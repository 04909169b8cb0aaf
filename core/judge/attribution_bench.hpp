// SPDX-License-Identifier: Apache-2.0
// What every method of attribution starts from: a target, its exact rest, its truths. Internal to core/judge.
#pragma once

#include "core/compressor/graph.hpp"
#include "core/judge/attribution.hpp"
#include "core/judge/attribution_sum.hpp"

namespace ulpscope::judge {

class AttributionBench {
 public:
  /// Throws InputError: the recipe does not compute the target, the run does not hold it.
  AttributionBench(const Evidence& evidence, compressor::Slot target);

  const Evidence& evidence() const { return evidence_; }
  compressor::Slot target() const { return target_; }
  const compressor::Recipe& suffix() const { return suffix_; }
  const compressor::Plan& plan() const { return plan_; }
  const compressor::Graph& graph() const { return graph_; }
  /// The target: in the run; the truth of the inputs as given; T_0, the truth of the rounded ones.
  const Enclosure& run() const { return run_; }
  const Enclosure& truth() const { return truth_; }
  const Enclosure& start() const { return start_; }
  /// start - truth: 0 without a radius where the recipe rounds no input.
  Difference inputs() const;
  /// The target when `given` hold their values and the rest is exact.
  Enclosure exact(const compressor::Tape& given) const { return exact(suffix_, given); }
  /// Slots that the run holds, in program order, to the target.
  std::vector<compressor::Slot> present() const;
  /// What moves when `slot` does, itself included.
  std::array<bool, compressor::slot_count> moved_by(compressor::Slot slot) const;
  /// The exact run that T_0 is of, in fp64: every slot, gradients where the target is one.
  compressor::Tape fp64_truth() const;
  /// Whether anything between it and the target reads `slot`, when the slots in `known` are given.
  bool is_read(compressor::Slot slot, const std::array<bool, compressor::slot_count>& known) const;

 private:
  Enclosure exact(const compressor::Recipe& recipe, const compressor::Tape& given) const;
  std::string held() const;

  const Evidence& evidence_;
  compressor::Slot target_;
  compressor::Recipe suffix_;
  compressor::Plan plan_;
  compressor::Graph graph_;
  Enclosure run_;
  Enclosure truth_;
  Enclosure start_;
  bool rounds_inputs_ = false;
};

/// Steps, each with its part of the target. Elements that are not finite in a part are left out of all of them; the
/// residual is what the parts leave of the error. The first part is the inputs'.
struct Part {
  std::optional<compressor::Slot> slot;
  std::string owner;
  Difference value;  ///< empty: 0
};
Attribution attribution_of(const AttributionBench& bench, const std::vector<Part>& parts);

}  // namespace ulpscope::judge
