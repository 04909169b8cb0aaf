// SPDX-License-Identifier: Apache-2.0
// The ledger in a report: its JSON conforms to the schema, its tables fit, and lines that say nothing stay out of them.
#include "core/judge/ledger_table.hpp"

#include <sstream>

#include "core/io/json_schema.hpp"
#include "core/judge/render.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/data.hpp"

using namespace ulpscope;
using io::Json;

namespace {

Json report_of(const std::string& name, const std::vector<std::string>& recipes) {
  const auto problem = test::golden_problem(name);
  judge::Report report;
  report.provenance = {{"version", "0"}, {"commit", "c"}, {"compiler", "g"},
                       {"flags", "-O2"}, {"cpu", "x"},    {"blas", "b"},
                       {"gpu", nullptr}, {"threads", 1},  {"date", "2026-01-01T00:00:00Z"}};
  report.problems.push_back(judge::describe(problem));
  for (const std::string& recipe_name : recipes) {
    const auto recipe = compressor::load_recipe(recipe_name);
    const auto run = compressor::run_traced(problem, recipe, {});
    report.runs.push_back(judge::measure_run(problem, run, test::truth_of(problem, recipe), 1));
  }
  return judge::to_json(report);
}

std::size_t longest_line(const std::string& text) {
  std::istringstream lines(text);
  std::size_t longest = 0;
  for (std::string line; std::getline(lines, line);) longest = std::max(longest, line.size());
  return longest;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("ledger lines conform to the schema of reports, in every softmax algorithm and pipeline") {
  const Json schema = io::read_json(test::source_path("core/judge/schemas/report.schema.json"));
  for (const char* recipe : {"pr3810", "vllm", "sglang-online-bf16", "maxtext-bf16", "fp16-pure"}) {
    INFO(recipe);
    const Json report = report_of("csa-hard", {recipe});
    CHECK_FALSE(report["runs"][0]["underflow"].empty());
    CHECK(io::SchemaChecker(schema).faults(report) == std::vector<std::string>{});
  }
}

TEST_CASE("one run has a row for each slot that lost something, and its sentences") {
  const Json report = report_of("hca-hard", {"bf16-pure"});
  const auto sections = judge::ledger_sections({&report["runs"][0]});
  REQUIRE(sections.size() == 1);
  std::size_t lost = 0;
  std::size_t told = 0;
  for (const Json& line : report["runs"][0]["underflow"]) {
    lost += !line["causes"].empty() || io::number_of(line["lost"]) > 0x1p-53;
    told += line["sentence"].is_string();
  }
  CHECK(lost > 0);
  CHECK(lost < report["runs"][0]["underflow"].size());
  CHECK(sections[0].table.rows.size() == lost);
  CHECK(sections[0].remarks.size() == told);
  const std::string text = judge::terminal_text(report, judge::Colour::off);
  CHECK(has(text, "underflow of recipe bf16-pure"));
  CHECK(has(text, "denominator: the denominator is >= 1 because the maximum is subtracted"));
  CHECK(longest_line(text) <= judge::terminal_width);
  CHECK(has(judge::markdown_text(report), "cannot underflow"));
  CHECK(has(judge::html_fragment(report), "cannot underflow"));
}

TEST_CASE("several runs have a row each") {
  const Json report = report_of("csa-small", {"fp32", "hf", "pr3810", "sglang-online-bf16"});
  std::vector<const Json*> runs;
  for (const Json& run : report["runs"]) runs.push_back(&run);
  const auto sections = judge::ledger_sections(runs);
  REQUIRE(sections.size() == 1);
  REQUIRE(sections[0].table.rows.size() == 4);
  CHECK(sections[0].table.rows[0][4] == "inf");    // pads of -inf
  CHECK(sections[0].table.rows[2][4] != "inf");    // pads of -9984
  CHECK(sections[0].table.rows[1][5] == "92.88");  // bf16 weights
  CHECK(longest_line(judge::terminal_text(report, judge::Colour::off)) <= judge::terminal_width);
  CHECK(judge::ledger_sections({}).empty());
}
