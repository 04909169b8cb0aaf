// SPDX-License-Identifier: Apache-2.0
// docs/pr3810.md: which of PR 3810's fears are real, as study nan finds it.
#pragma once

#include <string>

namespace ulpscope::studies {

/// The page, in Markdown; the walk takes a few seconds.
std::string pull_request_page();

}  // namespace ulpscope::studies
