// SPDX-License-Identifier: Apache-2.0
// Casts of a recipe as words, and recipes without one of them.
#pragma once

#include <string>
#include <vector>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"

namespace ulpscope::studies {

/// "inputs" and the stages, as `--set` names them; all_casts() has "backward.STAGE" too.
std::vector<std::string> forward_casts();
std::vector<std::string> all_casts();

/// The recipe without a cast ("none": with all). change "fp32": the stage's last slot is stored in fp32; "elided": it
/// is kept as it was carried. inputs: as given.
compressor::Recipe without(const compressor::Recipe& recipe, const std::string& cast, const std::string& change);

/// Whether two recipes store every slot of the problem alike: what was to be lifted is no cast.
bool same_casts(const compressor::Recipe& a, const compressor::Recipe& b, const compressor::Problem& problem);

}  // namespace ulpscope::studies
