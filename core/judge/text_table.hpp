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

/// Nothing for a table without rows. Aligned columns, two spaces apart, each line indented by two; the widest columns
/// are cut where the table would be wider than `terminal_width`, though never a cell of the form "mean +- half-width":
/// where such columns alone are too wide, lines are wider.
std::string plain_text(const TextTable& table);
/// The same below one another, an empty line between: as many columns of numbers at a time as fit uncut, at least one,
/// each time behind the columns of words.
std::string plain_panels(const TextTable& table);
std::string markdown(const TextTable& table);

/// "1.7e-03", "0", "inf", "-".
std::string short_number(double value);
/// Text folded at spaces to lines of at most `terminal_width`, each after `indent`.
std::string folded(std::string_view text, std::string_view indent);
/// Columns that a UTF-8 text takes.
std::size_t display_width(std::string_view text);

}  // namespace ulpscope::judge
