// SPDX-License-Identifier: Apache-2.0
// The tables of ledgers, read off a report's JSON. Internal to core/judge.
#pragma once

#include <vector>

#include "core/judge/report_tables.hpp"

namespace ulpscope::judge {

/// One run: a row for each slot that lost something, its sentences below; several: a row for each run. Nothing where
/// no run has a ledger.
std::vector<Section> ledger_sections(const std::vector<const io::Json*>& runs);

}  // namespace ulpscope::judge
