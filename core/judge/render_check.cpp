// SPDX-License-Identifier: Apache-2.0
// A check as terminal text, Markdown, HTML and JUnit: functions of its JSON alone.
#include <fmt/format.h>

#include <algorithm>

#include "core/io/names.hpp"
#include "core/judge/baseline_check.hpp"
#include "core/judge/html_table.hpp"
#include "core/judge/junit.hpp"
#include "core/judge/text_table.hpp"

namespace ulpscope::judge {
namespace {

using io::Json;

constexpr std::size_t most_rows = 40;  ///< of a terminal's table

std::string text_of(const Json& json) { return json.is_string() ? io::printable(json.get<std::string>()) : ""; }

std::string error_of(const Json& slot, const char* field) {
  return slot.is_object() ? short_number(io::number_of(slot[field])) : "-";
}

std::vector<std::string> row_of(const Json& run, const Json& change) {
  const Json& was = change["blessed"];
  const Json& now = change["now"];
  return {text_of(run["name"]),      text_of(change["slot"]),
          text_of(change["status"]), error_of(was, "rms_rel"),
          error_of(now, "rms_rel"),  change["direction"].is_string() ? text_of(change["direction"]) : "-",
          error_of(was, "max_ulp"),  error_of(now, "max_ulp")};
}

/// What changed, the failures first.
TextTable changes_of(const Json& check) {
  TextTable table;
  table.head = {"run", "slot", "status", "rms_rel", "now", "", "max_ulp", "now"};
  table.left = 3;
  for (const bool failing : {true, false}) {
    for (const Json& run : check["runs"]) {
      for (const Json& change : run["changes"]) {
        if ((change["status"] == "fail") == failing) table.rows.push_back(row_of(run, change));
      }
    }
  }
  return table;
}

std::string heading(const Json& check) {
  const Json& was = check["baseline"]["provenance"];
  const auto field = [&](const char* name) { return was.is_object() ? text_of(was.value(name, Json())) : ""; };
  return fmt::format("check of {}, blessed by ulpscope {} ({}) on {}", text_of(check["baseline"]["source"]),
                     field("version"), field("commit"), field("date"));
}

std::vector<std::string> remarks_of(const Json& check) {
  std::vector<std::string> remarks;
  for (const Json& run : check["runs"]) {
    for (const Json& note : run["notes"]) remarks.push_back(text_of(run["name"]) + ": " + text_of(note) + ".");
  }
  for (const Json& sentence : check["summary"]) remarks.push_back(text_of(sentence));
  return remarks;
}

}  // namespace

std::string check_terminal_text(const Json& check) {
  TextTable table = changes_of(check);
  const std::size_t hidden = table.rows.size() - std::min(table.rows.size(), most_rows);
  table.rows.resize(table.rows.size() - hidden);
  std::string out = folded(heading(check), "") + '\n' + plain_text(table);
  if (hidden != 0) out += fmt::format("  {} more: --json has them all\n", hidden);
  if (!table.rows.empty()) out += '\n';
  for (const std::string& remark : remarks_of(check)) out += folded(remark, "");
  return out;
}

std::string check_markdown_text(const Json& check) {
  const TextTable table = changes_of(check);
  std::string out = "# " + heading(check) + "\n\n";
  if (!table.rows.empty()) out += markdown(table) + '\n';
  for (const std::string& remark : remarks_of(check)) out += "- " + remark + '\n';
  return out;
}

std::string check_html_fragment(const Json& check) {
  std::string inner = html_paragraph(heading(check), "source") + html_table(changes_of(check));
  for (const std::string& remark : remarks_of(check)) inner += html_paragraph(remark, "");
  return html_block(inner);
}

std::string check_junit_xml(const Json& check) {
  JUnitDocument document;
  for (const Json& run : check["runs"]) {
    const std::string name = text_of(run["name"]);
    document.begin_suite(name);
    for (const Json& slot : run["same"]) document.add({text_of(slot), name, "ok", ""});
    for (const Json& change : run["changes"])
      document.add({text_of(change["slot"]), name, text_of(change["status"]), text_of(change["reason"])});
  }
  return document.xml();
}

}  // namespace ulpscope::judge
