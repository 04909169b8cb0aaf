// SPDX-License-Identifier: Apache-2.0
// Render: terminal text, Markdown and JUnit as functions of a report's JSON alone.
#pragma once

#include <cstdint>
#include <string>

#include "core/io/json.hpp"

namespace ulpscope::judge {

enum class Colour : std::uint8_t { off, on };

// Texts from files (names, sources, notes) are shown by io::printable: they cannot act on a terminal.

/// Tables of at most 120 columns, the verdicts, and the summary.
std::string terminal_text(const io::Json& report, Colour colour);
/// GitHub-flavoured Markdown.
std::string markdown_text(const io::Json& report);
/// One testcase per problem, recipe and slot, and per invariant.
std::string junit_xml(const io::Json& report);

}  // namespace ulpscope::judge
