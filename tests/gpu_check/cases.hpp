// SPDX-License-Identifier: Apache-2.0
// The problems of the check, each with a recipe: golden ones from inside the program, and drawn ones.
#pragma once

#include <cstdint>
#include <vector>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"

namespace ulpscope::gpu_check {

struct Case {
  compressor::Problem problem;
  compressor::Recipe recipe;
};

/// Every golden problem with three built-in recipes, then `drawn` problems: shapes, batches, remainders, masks, prior
/// windows, quantisers by the seed; recipes in turn, so that each built-in one is there.
std::vector<Case> cases(std::uint64_t seed, std::uint64_t drawn);

}  // namespace ulpscope::gpu_check
