// SPDX-License-Identifier: Apache-2.0
// The same tables as Markdown, and JUnit for continuous integration.
#include <fmt/format.h>

#include <cmath>

#include "core/judge/markup.hpp"
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

struct Suite {
  std::string cases;
  std::size_t tests = 0;
  std::size_t failures = 0;
  std::size_t skipped = 0;

  void add(const std::string& name, const Json& row, const std::string& run) {
    const std::string status = text_of(row["status"]);
    const std::string reason = escaped(text_of(row["reason"]));
    ++tests;
    cases += fmt::format("    <testcase classname=\"{}\" name=\"{}\"", escaped(run), escaped(name));
    if (status == "ok") {
      cases += "/>\n";
      return;
    }
    const bool failed = status == "fail" || status == "undecided";
    failures += failed;
    skipped += !failed;
    cases += fmt::format(">\n      <{} message=\"{}\"/>\n    </testcase>\n", failed ? "failure" : "skipped",
                         status == "undecided" ? "undecided: " + reason : reason);
  }
};

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
  std::string suites;
  std::size_t tests = 0;
  std::size_t failures = 0;
  for (const Json& run : report["runs"]) {
    Suite suite;
    const std::string name = run_name(run);
    for (const Json& row : run["rows"]) suite.add(text_of(row["slot"]), row, name);
    for (const Json& invariant : run["invariants"])
      suite.add("invariant " + text_of(invariant["name"]), invariant, name);
    tests += suite.tests;
    failures += suite.failures;
    suites += fmt::format(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\">\n{}  </testsuite>\n",
        escaped(name), suite.tests, suite.failures, suite.skipped, suite.cases);
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ulpscope\" tests=\"{}\" failures=\"{}\" "
      "errors=\"0\">\n{}</testsuites>\n",
      tests, failures, suites);
}

}  // namespace ulpscope::judge
