// SPDX-License-Identifier: Apache-2.0
// Pieces of HTML that reports and studies are made of: no script, nothing loaded, every text escaped.
#pragma once

#include <string>

#include "core/judge/text_table.hpp"

namespace ulpscope::judge {

/// <p class=KIND>; no class where it is empty.
std::string html_paragraph(const std::string& text, const std::string& kind);
/// The cells "ok", "fail" and "undecided" are coloured.
std::string html_table(const TextTable& table);
/// `inner` (HTML) in one <div> with the style that it needs.
std::string html_block(const std::string& inner);
/// A page of its own around a block.
std::string html_page(const std::string& block);

}  // namespace ulpscope::judge
