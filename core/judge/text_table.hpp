// SPDX-License-Identifier: Apache-2.0
// TextTable: rows of cells as aligned text for a terminal, or as Markdown.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ulpscope::judge {

/// The first `left` columns are words (left-aligned), the others numbers (right-aligned).
struct TextTable {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;
  std::size_t left = 1;
};

/// Widest line that a terminal table may have.
inline constexpr std::size_t terminal_width = 120;

/// Nothing for a table without rows. Aligned columns, two spaces apart, each line indented by two; cells of words are
/// cut where the table would be wider than `terminal_width`.
std::string plain_text(const TextTable& table);
std::string markdown(const TextTable& table);

/// "1.7e-03", "0", "inf", "-".
std::string short_number(double value);
/// Text folded at spaces to lines of at most `terminal_width`, each after `indent`.
std::string folded(std::string_view text, std::string_view indent);
/// Columns that a UTF-8 text takes.
std::size_t display_width(std::string_view text);

}  // namespace ulpscope::judge
