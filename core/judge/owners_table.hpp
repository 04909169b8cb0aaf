// SPDX-License-Identifier: Apache-2.0
// The table of owners, read off a report's JSON. Internal to core/judge.
#pragma once

#include <vector>

#include "core/judge/report_tables.hpp"

namespace ulpscope::judge {

/// One run: its owners, the largest first; several: a row for each owner in program order, a column for each recipe.
/// Nothing where no run has an attribution.
std::vector<Section> owner_sections(const std::vector<const io::Json*>& runs);

}  // namespace ulpscope::judge
