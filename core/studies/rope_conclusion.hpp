// SPDX-License-Identifier: Apache-2.0
// What study rope concludes from its points.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/studies/study.hpp"

namespace ulpscope::studies {

std::vector<std::string> rope_conclusion(std::span<const Cell> cells);

}  // namespace ulpscope::studies
