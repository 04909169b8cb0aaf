// SPDX-License-Identifier: Apache-2.0
// Results as JSON and back, as CSV and as tables; files that cannot be continued.
#include "core/studies/results.hpp"

#include <sstream>

#include "core/io/error.hpp"
#include "core/io/json_schema.hpp"
#include "core/studies/run_study.hpp"
#include "tests/core/studies/toy.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/data.hpp"

using namespace ulpscope;
using namespace ulpscope::studies;
using Catch::Matchers::Contains;

namespace {

const Study& toy() {
  static const Study study = test::toy_study();
  return study;
}

Results walked() {
  WalkOptions options;
  options.extent = Extent::full;
  options.values = {{"a", {"1", "2"}}};
  return run_study(toy(), options);
}

io::Json json_of(const Results& results) { return to_json(results, {{"version", "0"}}); }

}  // namespace

TEST_CASE("results conform to their schema and come back from JSON") {
  const Results results = walked();
  const io::Json json = json_of(results);
  const io::Json schema = io::read_json(test::source_path("core/studies/schemas/study.schema.json"));
  for (const std::string& fault : io::SchemaChecker(schema).faults(json)) FAIL_CHECK(fault);
  const std::vector<Cell> cells = cells_from_json(io::parse_json(json.dump(), "text"), results, "file");
  REQUIRE(cells.size() == 6);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    CHECK(cells[i].at.json() == results.cells[i].at.json());
    CHECK(cells[i].measures == results.cells[i].measures);
  }
  CHECK(cells[2].skipped());
}

TEST_CASE("a file that is not this walk's is refused with what differs") {
  const Results results = walked();
  const auto refused = [&](const std::function<void(io::Json&)>& change, const std::string& tells) {
    io::Json json = json_of(results);
    change(json);
    CHECK_THROWS_AS(cells_from_json(json, results, "file"), InputError);
    CHECK_THROWS_WITH(cells_from_json(json, results, "file"), Contains("file: ") && Contains(tells));
  };
  refused([](io::Json& json) { json["study"] = "other"; }, "its study is other, not toy");
  refused([](io::Json& json) { json["seeds"] = 2; }, "its seeds is 2, not 1");
  refused([](io::Json& json) { json["first_seed"] = 5; }, "its first_seed is 5, not 0");
  refused([](io::Json& json) { json["problem"] = {{"sha256", "ab"}}; }, "its problem is ab, not built-in");
  refused([](io::Json& json) { json["schema"] = "ulpscope.report/1"; }, "schema must be 'ulpscope.study/1'");
  refused([](io::Json& json) { json["cells"][1]["at"].erase("b"); }, "cells[1]: at");
  refused([](io::Json& json) { json["cells"][0].erase("sum"); }, "'sum'");
  refused([](io::Json& json) { json["cells"] = 3; }, "'cells'");
  refused([](io::Json& json) { json = io::Json::array(); }, "file");
}

TEST_CASE("CSV quotes what it must, and tables leave out what is the same everywhere") {
  const io::Json json = json_of(walked());
  CHECK(csv_text(json) ==
        "a,b,sum,draw,parity,truth,skipped\r\n"
        "1,x,1.0,0.0,even,no,\r\n1,y,11.0,0.0,even,no,\r\n1,\"x,y\",,,,,both at once\r\n"
        "2,x,2.0,0.0,even,no,\r\n2,y,12.0,0.0,even,no,\r\n2,\"x,y\",,,,,both at once\r\n");
  const CellTable cells = table_of(json, 3);
  CHECK(cells.table.head == std::vector<std::string>{"a", "b", "sum", "draw", "parity", "truth"});
  CHECK(cells.table.rows.size() == 3);
  CHECK_THAT(cells.remark, Contains("2 points do not exist") && Contains("1 more point:"));
  io::Json cut = json;
  cut["complete"] = false;
  cut["cells"].erase(5);
  CHECK_THAT(table_of(cut, 9).remark,
             Contains("1 point does not exist") && Contains("not complete: --resume goes on from here"));
  CHECK_THAT(table_of(json, 9).remark, !Contains("not complete"));
  WalkOptions one;
  const CellTable fixed = table_of(json_of(run_study(toy(), one)), 10);
  CHECK(fixed.table.head.front() == "b");
  CHECK(fixed.remark == "a 1");
}

TEST_CASE("texts show the question, the cells and the conclusion, and nothing that acts on a terminal or a page") {
  Results results = walked();
  results.cells[0].measures["parity"] = "<b>\x1b[31m";
  const io::Json json = json_of(results);
  for (const std::string& text : {terminal_text(json), markdown_text(json), html_fragment(json)}) {
    CHECK_THAT(text, Contains("What is a + b?") && Contains("6 cells.") && !Contains("\x1b"));
  }
  CHECK_THAT(html_fragment(json), Contains("&lt;b&gt;") && !Contains("<b>"));
}

TEST_CASE("of several seeds every table shows means with their whole half-widths, and the text says they are means") {
  WalkOptions options;
  options.seeds = 3;
  const io::Json json = json_of(run_study(study_named("quantize"), options));
  const std::string terminal = terminal_text(json);
  const std::string markdown = markdown_text(json);
  const std::string html = html_fragment(json);
  for (const io::Json& cell : json["cells"]) {
    for (const std::string measure : {"error", "changed", "zeroed", "flips"}) {
      if (!cell[measure].is_number()) continue;  // poisoned blocks select nothing
      const std::string shown = judge::short_number(cell[measure].get<double>()) + " +- " +
                                judge::short_number(cell[measure + "_ci95"].get<double>());
      CHECK_THAT(terminal, Contains(' ' + shown));
      CHECK_THAT(markdown, Contains("| " + shown + " |"));
      CHECK_THAT(html, Contains("<td>" + shown + "</td>"));
    }
  }
  CHECK_THAT(terminal, !Contains(".."));
  std::istringstream lines(terminal);
  for (std::string line; std::getline(lines, line);) CHECK(judge::display_width(line) <= judge::terminal_width);
  CHECK_THAT(json["conclusion"].back().get<std::string>(),
             Catch::Matchers::StartsWith("A point's numbers are means over 3 seeds"));
  CHECK_THAT(markdown, Contains("means over 3 seeds"));
  options.seeds = 1;
  CHECK_THAT(terminal_text(json_of(run_study(study_named("quantize"), options))), !Contains("seeds"));
}

TEST_CASE("a mean that is no number has no half-width beside it") {
  WalkOptions options;
  options.seeds = 2;
  options.values = {{"format", {"e4m3fn"}}, {"block", {"32"}}, {"poison", {"-1e4"}}};
  const std::string text = terminal_text(json_of(run_study(study_named("quantize"), options)));
  CHECK_THAT(text, Contains("  nan\n") && !Contains("nan +-"));
}
