// SPDX-License-Identifier: Apache-2.0
// The same tables as Markdown, and JUnit for continuous integration.
#include <fmt/format.h>

#include "core/judge/junit.hpp"
#include "core/judge/render.hpp"
#include "core/judge/report_tables.hpp"

namespace ulpscope::judge {
namespace {

using io::Json;

std::string text_of(const Json& json) { return json.is_string() ? json.get<std::string>() : ""; }

std::string run_name(const Json& run) {
  return fmt::format("problem{}.{}", run["problem"].get<std::size_t>() + 1,
                     run["recipe"].is_string() ? text_of(run["recipe"]) : "none");
}

}  // namespace

std::string markdown_text(const Json& given) {
  const Json report = printable_texts(given);
  std::string out = "# " + provenance_text(report) + "\n\n";
  for (std::size_t p = 0; p < report["problems"].size(); ++p) {
    out += fmt::format("{}. {}\n", p + 1, problem_text(report["problems"][p]));
  }
  for (const Section& section : sections_of(report)) {
    out += "\n## " + section.title + "\n\n" + markdown(section.table);
    for (const std::string& remark : section.remarks) out += '\n' + remark + '\n';
  }
  for (const Json& run : report["runs"]) {
    if (run["verdict"].is_object()) out += "\n" + verdict_text(run["verdict"]) + "\n";
    for (const std::string& birth : birth_texts(run)) out += "\n" + birth + "\n";
    for (const Json& note : run["notes"]) out += "\n" + note.get<std::string>() + ".\n";
  }
  if (!report["summary"].empty()) out += "\n## Summary\n\n";
  for (const Json& sentence : report["summary"]) out += "- " + sentence.get<std::string>() + '\n';
  return out;
}

std::string junit_xml(const Json& report) {
  JUnitDocument document;
  for (const Json& run : report["runs"]) {
    const std::string name = run_name(run);
    const auto add = [&](const std::string& what, const Json& row) {
      document.add({what, name, text_of(row["status"]), text_of(row["reason"])});
    };
    document.begin_suite(name);
    for (const Json& row : run["rows"]) add(text_of(row["slot"]), row);
    for (const Json& invariant : run["invariants"]) add("invariant " + text_of(invariant["name"]), invariant);
  }
  return document.xml();
}

}  // namespace ulpscope::judge
