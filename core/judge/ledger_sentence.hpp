// SPDX-License-Identifier: Apache-2.0
// What a ledger line says, in a sentence. Internal to core/judge.
#pragma once

#include <string>
#include <vector>

#include "core/judge/ledger_line.hpp"

namespace ulpscope::judge {

/// Empty where the line has nothing to say. The denominator's speaks of what is lost elsewhere in `lines`.
std::string sentence_of(const LedgerLine& line, const std::vector<LedgerLine>& lines);

}  // namespace ulpscope::judge
