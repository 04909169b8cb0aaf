// SPDX-License-Identifier: Apache-2.0
// What passes a check and what fails, by hand: bits, errors within a factor, classes, verdicts, slots.
#include "core/judge/baseline_check.hpp"

#include <cmath>
#include <limits>

#include "core/io/json_schema.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/data.hpp"

namespace {

using namespace ulpscope;
using judge::Baseline;
using judge::BlessedSlot;
using judge::Status;

const double not_a_number = std::numeric_limits<double>::quiet_NaN();
const BlessedSlot usual{"00", "bf16", Status::ok, 1e-3, 0.25, 2};

Baseline with(const std::map<std::string, BlessedSlot>& slots) {
  Baseline baseline;
  baseline.provenance = {{"version", "0"}, {"commit", "c"}};
  baseline.problems["p"] = {"p", "", 0, "abc"};
  baseline.recipes["hf"] = {true, {{"name", "hf"}}};
  baseline.runs["p, hf, traced"] = {"p", "hf", "traced", "", slots};
  return baseline;
}

BlessedSlot changed(double rms_rel, double max_abs) {
  BlessedSlot slot = usual;
  slot.bits = "11";
  slot.rms_rel = rms_rel;
  slot.max_abs = max_abs;
  return slot;
}

judge::RunCheck checked(const std::map<std::string, BlessedSlot>& was, const std::map<std::string, BlessedSlot>& now) {
  return judge::check(with(was), with(now), judge::usual_factor).front();
}
judge::SlotChange only_change(const BlessedSlot& was, const BlessedSlot& now) {
  const judge::RunCheck check = checked({{"pooled", was}}, {{"pooled", now}});
  REQUIRE(check.changes.size() == 1);
  return check.changes.front();
}

io::Json json_of(const std::vector<judge::RunCheck>& checks) {
  const io::Json provenance{{"version", "0"}, {"commit", "c"}};
  return judge::to_json(checks, {"b.json", provenance, provenance, judge::usual_factor});
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the same bits pass, other bits pass up to the factor, by both errors") {
  CHECK(checked({{"pooled", usual}}, {{"pooled", usual}}).same == std::vector<std::string>{"pooled"});
  CHECK(only_change(usual, changed(2e-3, 0.5)).status == Status::ok);
  CHECK(only_change(usual, changed(2.1e-3, 0.25)).status == Status::fail);
  CHECK(only_change(usual, changed(1e-3, 0.51)).status == Status::fail);
  CHECK(only_change(usual, changed(0, 0)).status == Status::ok);
  CHECK(only_change(usual, changed(not_a_number, 0.25)).status == Status::fail);
  CHECK(only_change(usual, changed(1e-3, not_a_number)).status == Status::fail);
}

TEST_CASE("directions go by rms_rel") {
  CHECK(only_change(usual, changed(0.9e-3, 0.25)).direction == "better");
  CHECK(only_change(usual, changed(1.1e-3, 0.25)).direction == "worse");
  CHECK(only_change(usual, changed(1e-3, 0.25)).direction == "same");
}

TEST_CASE("an exact slot may become wrong by one rounding to its format and no more") {
  BlessedSlot exact = usual;
  exact.rms_rel = exact.max_abs = 0;
  CHECK(only_change(exact, changed(1.65e-3, 1e9)).status == Status::ok);
  CHECK(only_change(exact, changed(1.67e-3, 1e9)).status == Status::fail);
}

TEST_CASE("a format, a class or a verdict that changed fails whatever the errors are") {
  BlessedSlot now = changed(1e-3, 0.25);
  now.format = "fp32";
  CHECK(has(only_change(usual, now).reason, "is fp32, was bf16"));
  now = changed(1e-3, 0.25);
  now.classes["nan"] = 3;
  CHECK(only_change(usual, now).reason == "has 3 nan, had only finite elements");
  now = changed(1e-3, 0.25);
  now.status = Status::fail;
  CHECK(only_change(usual, now).status == Status::fail);
  BlessedSlot failed = usual;
  failed.status = Status::fail;
  const judge::SlotChange mended = only_change(failed, usual);
  CHECK(mended.status == Status::ok);
}

TEST_CASE("a slot that is gone fails, a new one passes, and a run that is gone fails whole") {
  const judge::RunCheck check = checked({{"a", usual}}, {{"b", usual}});
  REQUIRE(check.changes.size() == 2);
  CHECK(check.changes[0].reason == "is gone");
  CHECK(check.changes[0].status == Status::fail);
  CHECK(check.changes[1].reason == "is new");
  CHECK(check.changes[1].status == Status::ok);
  Baseline fresh = with({{"a", usual}});
  fresh.runs.clear();
  CHECK(judge::check(with({{"a", usual}}), fresh, 2).front().changes.front().status == Status::fail);
}

TEST_CASE("a recipe that is not the blessed one is noted") {
  Baseline fresh = with({{"a", usual}});
  fresh.recipes["hf"].spec["default"] = "fp16";
  CHECK(judge::check(with({{"a", usual}}), fresh, 2).front().notes ==
        std::vector<std::string>{"recipe hf is not what it was when it was blessed"});
}

TEST_CASE("why no tolerance was derived is noted where bits changed, and nowhere else") {
  Baseline fresh = with({{"a", usual}});
  fresh.runs.begin()->second.untolerated = "too long";
  CHECK(judge::check(with({{"a", usual}}), fresh, 2).front().notes.empty());
  CHECK(judge::check(with({{"a", changed(9, 9)}}), fresh, 2).front().notes == std::vector<std::string>{"too long"});
}

TEST_CASE("a check's JSON follows its schema; exit and summary are those of its slots") {
  const io::Json schema = io::read_json(test::source_path("core/judge/schemas/check.schema.json"));
  const io::Json mixed = json_of({checked({{"a", usual}, {"b", usual}, {"c", usual}},
                                          {{"a", usual}, {"b", changed(9, 9)}, {"c", changed(0.9e-3, 0.2)}})});
  CHECK(io::SchemaChecker(schema).faults(mixed).empty());
  CHECK(mixed["exit"] == 1);
  CHECK(mixed["summary"][0] == "2 of 3 slots of 1 run changed: 1 for the better, 1 for the worse, by rms_rel.");
  CHECK(mixed["summary"][1] == "1 fails, first b of p, hf, traced: rms_rel 9 is more than 2 times 0.001.");
  const io::Json same = json_of({checked({{"a", usual}}, {{"a", usual}})});
  CHECK(same["exit"] == 0);
  CHECK(same["summary"][0] == "All 1 slot of 1 run have the blessed bits.");
  CHECK(json_of({})["exit"] == 1);
  const std::string junit = judge::check_junit_xml(mixed);
  CHECK(has(junit, "tests=\"3\" failures=\"1\""));
  CHECK(has(junit, "<testcase classname=\"p, hf, traced\" name=\"b\">"));
  const std::string text = judge::check_terminal_text(mixed);
  CHECK(text.find("fail") < text.find("better"));
  CHECK(has(judge::check_markdown_text(mixed), "| p, hf, traced"));
  CHECK(has(judge::check_html_fragment(mixed), "class=\"word fail\""));
}
