// SPDX-License-Identifier: Apache-2.0
// Sigma: what a recipe's roundings do to a target on average, since one run's share is one draw.
#pragma once

#include <map>
#include <vector>

#include "core/judge/attribution.hpp"
#include "core/judge/cast_reference.hpp"

namespace ulpscope::judge {

/// Standard deviation of each slot's own error, element by element: h / sqrt(3), h half a spacing of the storage format
/// (a whole one in directed modes), where the cast changes the element. By as much as the local error of the recipe's
/// own run exceeds that in norm, inner roundings add to it: in the proportions of inner_errors where terms are added,
/// else of the cast. Sums in a finer accumulator add what any order of theirs may make. Slots without a cast are left
/// out. RoPE tables do not depend on data: their error itself.
using Deviations = std::map<compressor::Slot, std::vector<double>>;
/// Of the evidence's problem and recipe, whatever its run is.
Deviations deviations_of(const Evidence& evidence);

/// Fills `expected` of each step: the mean square that the roundings of its stages make of the target's error, over
/// the sum of all. One draw of uniform errors per slot, pushed through the exact rest in fp64; the rounding of the
/// inputs counts as it is.
void add_expected_shares(Attribution& attribution, const Evidence& evidence, const Deviations& deviations);

}  // namespace ulpscope::judge
