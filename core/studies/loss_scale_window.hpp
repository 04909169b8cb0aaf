// SPDX-License-Identifier: Apache-2.0
// A loss scale's word, and between which scales study loss_scale finds that nothing is lost.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/studies/study.hpp"

namespace ulpscope::studies {

/// "2^-8", or a number.
double scale_of(const std::string& word);

std::vector<std::string> loss_scale_conclusion(std::span<const Cell> cells);

}  // namespace ulpscope::studies
