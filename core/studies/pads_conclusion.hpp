// SPDX-License-Identifier: Apache-2.0
// What follows from a walk of study pads: a finite pad or -inf?
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/studies/study.hpp"

namespace ulpscope::studies {

/// Compares -inf with -1e4, or with the first finite pad that was walked, point by point.
std::vector<std::string> pads_conclusion(std::span<const Cell> cells);

}  // namespace ulpscope::studies
