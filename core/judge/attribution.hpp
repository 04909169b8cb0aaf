// SPDX-License-Identifier: Apache-2.0
// Attribution: whose error the error of a target is, from nothing but the slots that a run or a dump holds.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/compressor/graph.hpp"
#include "core/compressor/run.hpp"
#include "core/judge/attribution_result.hpp"
#include "core/judge/exact.hpp"

namespace ulpscope::judge {

/// The exact rest of runs of `recipe`: truth_recipe on its own inputs, which reads what the recipe reads (softmax
/// algorithm, forms of the VJPs and what the softmax's saved, products that the pool receives unrounded), so that a
/// slot is pinned in exactly the places where the run used it.
compressor::Recipe suffix_recipe(const compressor::Recipe& recipe, const compressor::Config& config);

/// A run's or a dump's slots, and who computes the exact rest. The references must outlive the calls.
struct Evidence {
  const compressor::Problem& problem;  ///< judged: under the dump's own config
  const compressor::Recipe& recipe;    ///< claimed; without a claim the truth's
  const compressor::Tape& run;
  const Exact& exact;
  const std::map<compressor::Slot, compressor::Shape>* partial = nullptr;  ///< Dump::partial
  unsigned threads = 1;
  const compressor::Tape* own =
      nullptr;  ///< the traced run of the recipe, every slot, where there is one; else it is made
};

/// What has to run for a target (none: for every slot): gradients only for a gradient.
compressor::Gradients gradients_for(std::optional<compressor::Slot> target);

/// T_k = the target when the first k slots in program order that the run holds have its values and every later one is
/// exact; contribution k = T_k - T_(k-1). T_0 is the truth of the inputs as the recipe rounds them; step 0 is T_0 minus
/// the truth of the inputs as given. error = run - that truth, so that the shares sum to 1. A slot that the run does
/// not hold is never pinned: its stage merges into the next step that needs it. A slot that nothing between it and the
/// target reads contributes 0. Throws InputError where the recipe does not compute the target or the run does not hold
/// it.
Attribution attribute_by_ladder(const Evidence& evidence, compressor::Slot target);

/// Each slot's local error (run - exact stage on the run's own inputs) through the exact linearisation at T_0. The
/// residual says how far the problem is from linear.
Attribution attribute_by_tangent(const Evidence& evidence, compressor::Slot target);

/// Each stage of the recipe alone, on exact inputs, the rest exact: nothing that the run holds is used but the target.
/// Misleading, which its residual says: rounding is not differentiable, and a stage alone rounds other numbers.
Attribution attribute_by_switch(const Evidence& evidence, compressor::Slot target);

/// By the method of that name.
Attribution attribute(const Evidence& evidence, compressor::Slot target, AttributionMethod method);

/// The stages that compute `slot` when the slots in `known` are given, in program order: "normalize + scale (merged)".
std::string owner_of(compressor::Slot slot, const std::array<bool, compressor::slot_count>& known,
                     const compressor::Graph& graph, const compressor::Plan& plan);

}  // namespace ulpscope::judge
