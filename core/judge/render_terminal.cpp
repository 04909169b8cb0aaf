// SPDX-License-Identifier: Apache-2.0
// What a person sees first: problems, tables, what failed, three sentences.
#include <fmt/format.h>

#include "core/judge/render.hpp"
#include "core/judge/report_tables.hpp"

namespace ulpscope::judge {
namespace {

using io::Json;

std::string painted(const std::string& text, const char* code, Colour colour) {
  return colour == Colour::on ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
}

/// Colours the status at the end of each line.
std::string with_status_colours(std::string table, Colour colour) {
  if (colour == Colour::off) return table;
  for (const auto& [word, code] : {std::pair{"  fail\n", "31"}, {"  ok\n", "32"}, {"  undecided\n", "33"}}) {
    const std::string plain = word;
    const std::string bright = painted(plain.substr(0, plain.size() - 1), code, colour) + '\n';
    for (std::size_t at = 0; (at = table.find(plain, at)) != std::string::npos; at += bright.size()) {
      table.replace(at, plain.size(), bright);
    }
  }
  return table;
}

std::string failures_text(const Json& report, Colour colour) {
  std::string out;
  for (const Json& run : report["runs"]) {
    const std::string name = run["recipe"].is_string() ? run["recipe"].get<std::string>() : "no recipe";
    for (const Json& invariant : run["invariants"]) {
      if (invariant["status"] != "fail") continue;
      out +=
          folded(fmt::format("{}: invariant {} is off by {}, its formats allow {}", name,
                             invariant["name"].get<std::string>(), short_number(io::number_of(invariant["residual"])),
                             short_number(io::number_of(invariant["bound"]))),
                 "  ");
    }
    if (run["verdict"].is_object()) out += painted(folded(verdict_text(run["verdict"]), "  "), "31", colour);
    for (const std::string& birth : birth_texts(run)) out += folded(birth, "  ");
    for (const Json& unmapped : run["unmapped"]) {
      const std::string nearest =
          unmapped["nearest"].is_string() ? "; did you mean '" + unmapped["nearest"].get<std::string>() + "'?" : "";
      out += folded(fmt::format("'{}' maps to no slot{}", unmapped["name"].get<std::string>(), nearest), "  ");
    }
    for (const Json& note : run["notes"]) out += folded(note.get<std::string>(), "  ");
  }
  return out;
}

}  // namespace

std::string terminal_text(const Json& given, Colour colour) {
  const Json report = printable_texts(given);
  std::string out = provenance_text(report) + '\n';
  for (std::size_t p = 0; p < report["problems"].size(); ++p) {
    out += folded(fmt::format("problem {}: {}", p + 1, problem_text(report["problems"][p])), "");
  }
  for (const Section& section : sections_of(report)) {
    out +=
        '\n' + painted(folded(section.title, ""), "1", colour) + with_status_colours(plain_text(section.table), colour);
    for (const std::string& remark : section.remarks) out += "  " + remark + '\n';
  }
  const std::string failures = failures_text(report, colour);
  if (!failures.empty()) out += '\n' + failures;
  if (!report["summary"].empty()) out += '\n';
  for (const Json& sentence : report["summary"]) out += folded(sentence.get<std::string>(), "");
  return out;
}

}  // namespace ulpscope::judge
