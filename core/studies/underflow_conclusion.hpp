// SPDX-License-Identifier: Apache-2.0
// What follows from a walk of study underflow.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/studies/study.hpp"

namespace ulpscope::studies {

std::vector<std::string> underflow_conclusion(std::span<const Cell> cells);

}  // namespace ulpscope::studies
