// SPDX-License-Identifier: Apache-2.0
// The report's JSON: complete, conforming to its schema, unchanged by a round trip; renderers read nothing else.
#include "core/judge/report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "core/io/json.hpp"
#include "core/io/json_schema.hpp"
#include "core/judge/render.hpp"
#include "core/judge/text_table.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/data.hpp"

namespace {

using namespace ulpscope;
using io::Json;

judge::Row sample_row(compressor::Slot slot, std::vector<double> run, std::vector<double> truth) {
  judge::Row row;
  row.slot = slot;
  row.stage = "pool";
  row.format = "bf16";
  row.shape = {1, run.size() / 2, 2};
  judge::Layout layout;
  layout.rows = run.size() / 2;
  layout.channels = 2;
  layout.windows = layout.windows_per_batch = layout.rows_per_batch = layout.rows;
  layout.has_channels = true;
  const compressor::Shape shape = row.shape;
  row.metrics = judge::measure({shape, std::move(run), io::DType::f64}, {shape, std::move(truth), io::DType::f64},
                               {precision::parse_format("bf16"), layout}, 1);
  return row;
}

/// An error that is split, owned and bounded.
void add_blame(judge::RunReport& run) {
  run.rows.front().local = judge::LocalError{.25, .5};
  run.rows.front().inherited = .125;
  run.rows.front().contribution = judge::Contribution{.25, .75, std::nullopt};
  run.rows.front().bound = judge::Bound{.5, std::numeric_limits<double>::infinity(), .5};
  run.rows.front().vs_floor = 1.5;
  run.attribution = judge::Attribution{compressor::forward(compressor::Name::pooled),
                                       judge::AttributionMethod::tangent,
                                       {{std::nullopt, "inputs", {.125, -.25, std::nullopt}, std::nullopt},
                                        {compressor::forward(compressor::Name::pooled), "pool", {.25, .75, {}}, .5},
                                        {compressor::forward(compressor::Name::output), "pool", {0, .5, {}}, .5}},
                                       4,
                                       1,
                                       .0625};
}

judge::Report sample_report() {
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  judge::Report report;
  report.provenance = {{"version", "0"}, {"commit", "c"}, {"compiler", "g"},
                       {"flags", "-O2"}, {"cpu", "x"},    {"blas", "b"},
                       {"gpu", nullptr}, {"threads", 2},  {"date", "2026-01-01T00:00:00Z"}};
  report.problems.push_back({Json{{"mode", "csa"},
                                  {"ratio", 4},
                                  {"overlap", true},
                                  {"batch", 1},
                                  {"seq", 8},
                                  {"hidden", 4},
                                  {"head_dim", 2},
                                  {"rope", nullptr}},
                             "p.safetensors", "00"});
  judge::RunReport run;
  run.recipe = "hf<&>\"";
  run.backend = "file";
  run.spec = Json{{"name", "hf"}};
  run.rows.push_back(sample_row(compressor::forward(compressor::Name::pooled), {1, 2, 3, -inf}, {1, 2.5, 0, nan}));
  run.rows.push_back(sample_row(compressor::gradient(compressor::Name::pooled), {}, {}));
  run.rows.back().status = judge::Status::absent;
  run.rows.back().reason = "not in the dump";
  run.rows.front().replay = judge::ReplayResult{{compressor::forward(compressor::Name::weights)}, 0.5, 0.75, 0.25, inf};
  run.rows.front().tolerance = judge::Tolerance{.rtol = 1e-3};
  run.rows.front().tolerance_reason = "given on the command line";
  run.rows.front().status = judge::Status::fail;
  add_blame(run);
  run.invariants.push_back({"softmax_sums_to_one", nan, 1e-3, judge::Status::fail, "above"});
  run.verdict = judge::Verdict{compressor::forward(compressor::Name::pooled),
                               "pool",
                               3,
                               "window 1, channel 1",
                               -inf,
                               nan,
                               "0xFF80",
                               "0x7FC0",
                               "pads",
                               "the padded slots hold 0"};
  run.unmapped.push_back({"kvv", "kv"});
  run.notes.emplace_back("a note");
  report.runs.push_back(run);
  report.summary = {"One sentence."};
  report.exit = 1;
  return report;
}

Json report_schema() { return io::read_json(test::source_path("core/judge/schemas/report.schema.json")); }

}  // namespace

TEST_CASE("the JSON of a report conforms to its schema, non-finite numbers and absent rows included") {
  const Json schema = report_schema();
  const auto faults = io::SchemaChecker(schema).faults(judge::to_json(sample_report()));
  for (const std::string& fault : faults) UNSCOPED_INFO(fault);
  CHECK(faults.empty());
}

TEST_CASE("the schema refuses a report with a field left out, added, or of the wrong type") {
  const Json schema = report_schema();
  const io::SchemaChecker checker(schema);
  const Json good = judge::to_json(sample_report());
  Json bad = good;
  bad["runs"][0]["rows"][0].erase("vs_floor");
  CHECK_FALSE(checker.faults(bad).empty());
  bad = good;
  bad["runs"][0]["extra"] = 1;
  CHECK_FALSE(checker.faults(bad).empty());
  bad = good;
  bad["runs"][0]["rows"][0]["error"]["rms_rel"] = "small";
  CHECK_FALSE(checker.faults(bad).empty());
}

TEST_CASE("JSON text reads back as the same report") {
  const Json json = judge::to_json(sample_report());
  CHECK(io::parse_json(judge::compact_text(json), "report") == json);
}

TEST_CASE("what does not apply is null: no elements, no residual, no bits of a truth that is a dump") {
  judge::Report report = sample_report();
  report.runs[0].invariants.push_back({"ape_gauge", std::nan(""), std::nan(""), judge::Status::skipped, "absent"});
  report.runs[0].truth = {"dump", 0, judge::Basis::given};
  const Json json = judge::to_json(report);
  const Json& run = json["runs"][0];
  const Json& empty = run["rows"][1];
  CHECK(empty["count"] == 0);
  for (const char* field : {"classes", "error", "histogram", "minimum", "replay", "tolerance", "map"}) {
    INFO(field);
    CHECK(empty.at(field).is_null());
  }
  CHECK(run["invariants"][0]["residual"] == "nan");
  CHECK(run["invariants"][1]["residual"].is_null());
  CHECK(run["truth"]["bits"].is_null());
  CHECK(io::SchemaChecker(report_schema()).faults(json).empty());
}

TEST_CASE("errors are split and owned in the JSON, steps of one stage together") {
  const Json json = judge::to_json(sample_report());
  const Json& run = json["runs"][0];
  const Json& row = run["rows"][0];
  CHECK(row["local"] == Json{{"rms_rel", .25}, {"max_ulp", .5}});
  CHECK(row["inherited"] == Json{{"rms_rel", .125}});
  CHECK(row["contribution"] == Json{{"rms_rel", .25}, {"share", .75}, {"share_radius", nullptr}});
  CHECK(row["bound"] == Json{{"worst_case", .5}, {"probabilistic", "inf"}, {"ratio", .5}});
  CHECK(row["vs_floor"] == 1.5);
  CHECK(row["vs_cast_reference"].is_null());
  CHECK(run["attribution_residual"] == .0625);
  CHECK(run["attribution"]["target"] == "pooled");
  CHECK(run["attribution"]["excluded"] == 1);
  CHECK(run["attribution"]["owners"] == Json::array({{{"owner", "inputs"},
                                                      {"slots", Json::array()},
                                                      {"share", -.25},
                                                      {"share_radius", nullptr},
                                                      {"expected", nullptr}},
                                                     {{"owner", "pool"},
                                                      {"slots", {"pooled", "output"}},
                                                      {"share", 1.25},
                                                      {"share_radius", nullptr},
                                                      {"expected", 1.}}}));
  CHECK(run["rows"][1]["local"].is_null());
}

TEST_CASE("the schema knows births, and shares that are null") {
  const Json schema = report_schema();
  const io::SchemaChecker checker(schema);
  Json json = judge::to_json(sample_report());
  Json& row = json["runs"][0]["rows"][0];
  row["contribution"] = {{"rms_rel", 0.5}, {"share", nullptr}, {"share_radius", nullptr}};
  json["runs"][0]["nonfinite"] = Json::array({{{"stage", "softmax"}}});
  CHECK(checker.faults(json).size() == 13);  // a birth certificate has 14 fields
  json["runs"][0]["nonfinite"] = Json::array();
  CHECK(checker.faults(json).empty());
  row["local"]["more"] = 1;
  CHECK_FALSE(checker.faults(json).empty());
}

TEST_CASE("a birth certificate has all its fields, null where they do not apply") {
  judge::Report report = sample_report();
  judge::BirthCertificate birth;
  birth.slot = compressor::gradient(compressor::Name::logits);
  birth.stage = "softmax";
  birth.index = 7;
  birth.window = 0;
  birth.softmax_slot = 3;
  birth.operation = "div";
  birth.operands = {{1, "0x3F800000"}, {std::numeric_limits<double>::infinity(), "0x7F800000"}};
  birth.birth_class = "x/0";
  birth.path = {{compressor::gradient(compressor::Name::gate), 5}};
  birth.count = 2;
  report.runs[0].nonfinite = {birth};
  const Json json = judge::to_json(report);
  CHECK(io::SchemaChecker(report_schema()).faults(json).empty());
  const Json& one = json["runs"][0]["nonfinite"][0];
  CHECK(one["slot"] == "grad.logits");
  CHECK(one["direction"] == "backward");
  CHECK(one["softmax_slot"] == 3);
  CHECK(one["channel"].is_null());
  CHECK(one["operands"][1] == Json{{"value", "inf"}, {"hex", "0x7F800000"}});
  CHECK(one["class"] == "x/0");
  CHECK(one["path"][0] == Json{{"slot", "grad.gate"}, {"count", 5}});
  CHECK(one["masked_by"].is_null());
  CHECK(one["cure"].is_null());
}

TEST_CASE("numbers that are not finite are strings") {
  const Json row = judge::to_json(sample_report())["runs"][0]["rows"][0];
  CHECK(row["replay"]["max_ulp"] == "inf");
  CHECK(row["error"]["max_rel"] == "inf");
  CHECK(row["minimum"]["rtol"] == "inf");
  CHECK(row["classes"]["class_mismatch"] == 1);
  CHECK(row["error"]["worst"]["value_hex"] == "0x4040");
}

TEST_CASE("terminal text fits 120 columns, is plain without colour, and tells the verdict") {
  const std::string text = judge::terminal_text(judge::to_json(sample_report()), judge::Colour::off);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) CHECK(judge::display_width(line) <= judge::terminal_width);
  CHECK(text.find('\x1b') == std::string::npos);
  std::istringstream words(text);  // folding may break a sentence anywhere
  std::string unfolded;
  for (std::string word; words >> word;) unfolded += word + ' ';
  CHECK(unfolded.find("the padded slots hold 0") != std::string::npos);
  CHECK(text.find("did you mean 'kv'") != std::string::npos);
  CHECK(text.find("One sentence.") != std::string::npos);
  CHECK(judge::terminal_text(judge::to_json(sample_report()), judge::Colour::on).find('\x1b') != std::string::npos);
}

TEST_CASE("JUnit counts every row and escapes what XML would misread") {
  const std::string xml = judge::junit_xml(judge::to_json(sample_report()));
  CHECK(xml.find("tests=\"3\" failures=\"2\"") != std::string::npos);
  CHECK(xml.find("<skipped message=\"not in the dump\"/>") != std::string::npos);
  CHECK(xml.find("hf&lt;&amp;&gt;&quot;") != std::string::npos);
}

TEST_CASE("Markdown has one table row per judged slot") {
  const std::string text = judge::markdown_text(judge::to_json(sample_report()));
  CHECK(text.find("| pooled | bf16 |") != std::string::npos);
  CHECK(text.find("- One sentence.") != std::string::npos);
}

TEST_CASE("exit codes follow the precedence 2, 1, 3, 77, 0") {
  using judge::worse_exit;
  CHECK(worse_exit(0, 77) == 77);
  CHECK(worse_exit(77, 3) == 3);
  CHECK(worse_exit(3, 1) == 1);
  CHECK(worse_exit(1, 2) == 2);
  CHECK(worse_exit(2, 70) == 70);
  CHECK(judge::exit_code(sample_report().runs.front()) == 1);
}
