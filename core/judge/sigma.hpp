// SPDX-License-Identifier: Apache-2.0
// Sigma: what a recipe's roundings do to a target on average, since one run's share is one draw.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "core/judge/attribution.hpp"
#include "core/judge/cast_reference.hpp"

namespace ulpscope::judge {

/// How far honest roundings take one slot from its exact stage, element by element.
struct Deviation {
  /// Standard deviation in the recipe's own run: h / sqrt(3), h half a spacing of the storage format (a whole one in
  /// directed modes), where the cast changes the element, and what the run's local error has beyond that in norm, in
  /// the proportions of inner_deviations. RoPE tables do not depend on data: their error itself.
  std::vector<double> own;
  /// In any order of the sums: the casts and all of inner_deviations' `wide`.
  std::vector<double> any;
};
/// The evidence's own, else a traced run of its recipe: all that a target needs.
compressor::Tape own_run(const Evidence& evidence, std::optional<compressor::Slot> target = std::nullopt);

/// Slots that only move values are left out.
using Deviations = std::map<compressor::Slot, Deviation>;
/// Of the evidence's problem and recipe, whatever its run is; of the slots that `target` is computed from, else of all.
Deviations deviations_of(const Evidence& evidence, std::optional<compressor::Slot> target = std::nullopt);

/// Uniform with mean 0 and variance 1, from the counter.
double unit_noise(compressor::Slot slot, std::size_t element, std::uint64_t draw);

/// Fills `expected` of each step: the mean square that the roundings of its stages make of the target's error, over
/// the sum of all. One draw of uniform errors per slot, pushed through the exact rest in fp64; the rounding of the
/// inputs counts as it is.
void add_expected_shares(Attribution& attribution, const Evidence& evidence, const Deviations& deviations);

}  // namespace ulpscope::judge
