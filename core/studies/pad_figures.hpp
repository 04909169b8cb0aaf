// SPDX-License-Identifier: Apache-2.0
// What study pads measures at a point. Internal to core/studies.
#pragma once

#include "core/compressor/recipe.hpp"
#include "core/io/json.hpp"
#include "core/studies/windows.hpp"

namespace ulpscope::studies {

/// The study's measures of a start whose tensors are rounded to the recipe's formats; {"skipped": why} where no slot is
/// a pad.
io::Json pad_figures(const Start& start, const compressor::Recipe& recipe);

}  // namespace ulpscope::studies
