// SPDX-License-Identifier: Apache-2.0
// Summary: what to do about a report, in three computed sentences. Internal to app.
#pragma once

#include <string>
#include <vector>

#include "core/judge/report.hpp"

namespace ulpscope::app {

std::vector<std::string> summary_of(const judge::Report& report);

}  // namespace ulpscope::app
