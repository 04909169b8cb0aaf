// SPDX-License-Identifier: Apache-2.0
// Paragraphs, tables, and the style around them.
#include "core/judge/html_table.hpp"

#include <fmt/format.h>

#include "core/judge/markup.hpp"

namespace ulpscope::judge {
namespace {

// Colours that read on light and dark grounds; every rule is confined to the block.
constexpr const char* style =
    ".ulpscope{font:13px/1.5 system-ui,sans-serif;max-width:75em}"
    ".ulpscope h4{margin:1em 0 .3em;font-weight:600}"
    ".ulpscope p{margin:.4em 0}"
    ".ulpscope .source{opacity:.7}"
    ".ulpscope .wide{overflow-x:auto}"
    ".ulpscope table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    ".ulpscope th,.ulpscope td{padding:.1em .7em;text-align:right;white-space:nowrap}"
    ".ulpscope th.word,.ulpscope td.word{text-align:left}"
    ".ulpscope th{border-bottom:1px solid #8888}"
    ".ulpscope .ok{color:#2a8a3a}.ulpscope .fail{color:#d03030;font-weight:600}.ulpscope .undecided{color:#b07800}";

std::string cell(const char* tag, const std::string& text, std::string kind) {
  if (text == "ok" || text == "fail" || text == "undecided") kind += (kind.empty() ? "" : " ") + text;
  return fmt::format("<{0}{1}>{2}</{0}>", tag, kind.empty() ? "" : " class=\"" + kind + "\"", escaped(text));
}

std::string row(const char* tag, const std::vector<std::string>& cells, std::size_t left) {
  std::string out = "<tr>";
  for (std::size_t i = 0; i < cells.size(); ++i) out += cell(tag, cells[i], i < left ? "word" : "");
  return out + "</tr>\n";
}

}  // namespace

std::string html_paragraph(const std::string& text, const std::string& kind) {
  return fmt::format("<p{}>{}</p>\n", kind.empty() ? std::string() : fmt::format(" class=\"{}\"", kind), escaped(text));
}

std::string html_table(const TextTable& table) {
  if (table.rows.empty()) return "";
  std::string out = "<div class=\"wide\"><table>\n<thead>" + row("th", table.head, table.left) + "</thead><tbody>\n";
  for (const auto& cells : table.rows) out += row("td", cells, table.left);
  return out + "</tbody></table></div>\n";
}

std::string html_block(const std::string& inner) {
  return fmt::format("<div class=\"ulpscope\"><style>{}</style>\n{}</div>\n", style, inner);
}

std::string html_page(const std::string& block) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>ulpscope</title></head>\n<body>\n{}</body>\n</html>\n",
      block);
}

}  // namespace ulpscope::judge
