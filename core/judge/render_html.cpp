// SPDX-License-Identifier: Apache-2.0
// The tables as HTML: one block without scripts, images or links, for a notebook's cell or a page of its own.
#include <fmt/format.h>

#include "core/judge/markup.hpp"
#include "core/judge/render.hpp"
#include "core/judge/report_tables.hpp"

namespace ulpscope::judge {
namespace {

using io::Json;

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

std::string paragraph(const std::string& text, const char* kind) {
  return fmt::format("<p{}>{}</p>\n", *kind == '\0' ? std::string() : fmt::format(" class=\"{}\"", kind),
                     escaped(text));
}

std::string cell(const char* tag, const std::string& text, std::string kind) {
  if (text == "ok" || text == "fail" || text == "undecided") kind += (kind.empty() ? "" : " ") + text;
  return fmt::format("<{0}{1}>{2}</{0}>", tag, kind.empty() ? "" : " class=\"" + kind + "\"", escaped(text));
}

std::string row(const char* tag, const std::vector<std::string>& cells, std::size_t left) {
  std::string out = "<tr>";
  for (std::size_t i = 0; i < cells.size(); ++i) out += cell(tag, cells[i], i < left ? "word" : "");
  return out + "</tr>\n";
}

std::string table_text(const TextTable& table) {
  std::string out = "<div class=\"wide\"><table>\n<thead>" + row("th", table.head, table.left) + "</thead><tbody>\n";
  for (const auto& cells : table.rows) out += row("td", cells, table.left);
  return out + "</tbody></table></div>\n";
}

std::string run_remarks(const Json& run) {
  std::string out;
  for (const Json& invariant : run["invariants"]) {
    if (invariant["status"] != "fail") continue;
    out +=
        paragraph(fmt::format("{}: invariant {} is off by {}, its formats allow {}.", run_text(run),
                              invariant["name"].get<std::string>(), short_number(io::number_of(invariant["residual"])),
                              short_number(io::number_of(invariant["bound"]))),
                  "fail");
  }
  if (run["verdict"].is_object()) out += paragraph(verdict_text(run["verdict"]), "fail");
  for (const std::string& birth : birth_texts(run)) out += paragraph(birth, "fail");
  for (const Json& unmapped : run["unmapped"])
    out += paragraph(unmapped["name"].get<std::string>() + ": maps to no slot.", "");
  for (const Json& note : run["notes"]) out += paragraph(note.get<std::string>() + ".", "source");
  return out;
}

}  // namespace

std::string html_fragment(const Json& given) {
  const Json report = printable_texts(given);
  std::string out = fmt::format("<div class=\"ulpscope\"><style>{}</style>\n", style);
  for (const Json& sentence : report["summary"]) out += paragraph(sentence.get<std::string>(), "");
  for (const Json& run : report["runs"]) out += run_remarks(run);
  for (const Section& section : sections_of(report)) {
    out += "<h4>" + escaped(section.title) + "</h4>\n" + table_text(section.table);
    for (const std::string& remark : section.remarks) out += paragraph(remark, "source");
  }
  for (std::size_t p = 0; p < report["problems"].size(); ++p)
    out += paragraph(fmt::format("problem {}: {}", p + 1, problem_text(report["problems"][p])), "source");
  return out + paragraph(provenance_text(report), "source") + "</div>\n";
}

std::string html_text(const Json& report) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width\"><title>ulpscope</title></head>\n<body>\n{}</body>\n</html>\n",
      html_fragment(report));
}

}  // namespace ulpscope::judge
