// SPDX-License-Identifier: Apache-2.0
// Summary: what to do about a report, in three computed sentences. Internal to app.
#pragma once

#include <string>
#include <vector>

#include "core/judge/report.hpp"

namespace ulpscope::app {

std::vector<std::string> summary_of(const judge::Report& report);

/// " over the 512 of 576 elements that are finite in both"; empty where a row's error is of all its elements.
std::string extent_of(const judge::Row& row);

}  // namespace ulpscope::app
