// SPDX-License-Identifier: Apache-2.0
// Render: terminal text, Markdown, HTML and JUnit as functions of a report's JSON alone.
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
/// One <div> for a page that exists already, a notebook's, or for html_page (html_table.hpp): no script, nothing loaded
/// from elsewhere; every text escaped.
std::string html_fragment(const io::Json& report);
/// One testcase per problem, recipe and slot, and per invariant.
std::string junit_xml(const io::Json& report);

}  // namespace ulpscope::judge
