// SPDX-License-Identifier: Apache-2.0
// The tables as HTML: one block without scripts, images or links, for a notebook's cell or a page of its own.
#include <fmt/format.h>

#include "core/judge/html_table.hpp"
#include "core/judge/markup.hpp"
#include "core/judge/render.hpp"
#include "core/judge/report_tables.hpp"

namespace ulpscope::judge {
namespace {

using io::Json;

std::string run_remarks(const Json& run) {
  std::string out;
  for (const Json& invariant : run["invariants"]) {
    if (invariant["status"] != "fail") continue;
    out += html_paragraph(
        fmt::format("{}: invariant {} is off by {}, its formats allow {}.", run_text(run),
                    invariant["name"].get<std::string>(), short_number(io::number_of(invariant["residual"])),
                    short_number(io::number_of(invariant["bound"]))),
        "fail");
  }
  if (run["verdict"].is_object()) out += html_paragraph(verdict_text(run["verdict"]), "fail");
  for (const std::string& birth : birth_texts(run)) out += html_paragraph(birth, "fail");
  for (const Json& unmapped : run["unmapped"])
    out += html_paragraph(unmapped["name"].get<std::string>() + ": maps to no slot.", "");
  for (const Json& note : run["notes"]) out += html_paragraph(note.get<std::string>() + ".", "source");
  return out;
}

}  // namespace

std::string html_fragment(const Json& given) {
  const Json report = printable_texts(given);
  std::string out;
  for (const Json& sentence : report["summary"]) out += html_paragraph(sentence.get<std::string>(), "");
  for (const Json& run : report["runs"]) out += run_remarks(run);
  for (const Section& section : sections_of(report)) {
    out += "<h4>" + escaped(section.title) + "</h4>\n" + html_table(section.table);
    for (const std::string& remark : section.remarks) out += html_paragraph(remark, "source");
  }
  for (std::size_t p = 0; p < report["problems"].size(); ++p)
    out += html_paragraph(fmt::format("problem {}: {}", p + 1, problem_text(report["problems"][p])), "source");
  return html_block(out + html_paragraph(provenance_text(report), "source"));
}

}  // namespace ulpscope::judge
