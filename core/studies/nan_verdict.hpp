// SPDX-License-Identifier: Apache-2.0
// What the points of study nan say about pads and upcasts. Internal to core/studies.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/studies/study.hpp"

namespace ulpscope::studies {

/// Sentences with the counts and numbers that they rest on: where -inf makes a NaN and a finite pad none; where a
/// finite pad hides an empty window; whether a denominator can underflow; what the format of the softmax costs.
std::vector<std::string> nan_verdict(std::span<const Cell> cells);

}  // namespace ulpscope::studies
