// SPDX-License-Identifier: Apache-2.0
// Birth certificates in words: on a terminal, in Markdown, in HTML, from the JSON alone.
#include "core/judge/render.hpp"
#include "core/judge/report_tables.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using io::Json;

namespace {

Json certificate(const std::string& slot, const std::string& direction) {
  return {{"stage", "softmax"},
          {"direction", direction},
          {"slot", slot},
          {"index", 8},
          {"window", 1},
          {"softmax_slot", 2},
          {"channel", 0},
          {"operation", "sub"},
          {"operands",
           Json::array({{{"value", "-inf"}, {"hex", "0xFF800000"}}, {{"value", "-inf"}, {"hex", "0xFF800000"}}})},
          {"class", "inf - inf"},
          {"path", Json::array()},
          {"masked_by", nullptr},
          {"cure", nullptr},
          {"count", 3}};
}

Json run_with(std::initializer_list<Json> certificates) { return {{"nonfinite", Json(certificates)}}; }

}  // namespace

TEST_CASE("a certificate says where, of what, where to and what cures it") {
  Json one = certificate("shifted", "forward");
  one["cure"] = "softmax=double_where: pads left out";
  one["path"] = Json::array({{{"slot", "exp"}, {"count", 4}}, {{"slot", "output"}, {"count", 2}}});
  const auto texts = judge::birth_texts(run_with({one}));
  REQUIRE(texts.size() == 1);
  CHECK(
      texts[0] ==
      "Not finite, born at shifted, window 1, slot 2, channel 0 (element 8, the first of 3), stage softmax. inf - inf: "
      "-inf - -inf [0xFF800000 0xFF800000]. From there to exp (4), output (2). Cured, when run, by "
      "softmax=double_where: pads left out.");
}

TEST_CASE("a birth that does no harm is said to do none, and one without a cure to have none") {
  Json one = certificate("shifted", "forward");
  CHECK(judge::birth_texts(run_with({one}))[0].ends_with(" No change that was tried cures it."));
  one["cure"] = "none needed: without it the same numbers are in all that reads it (exp)";
  CHECK(judge::birth_texts(run_with({one}))[0].ends_with(
      " It does no harm: without it the same numbers are in all that reads it (exp)."));
}

TEST_CASE("certificates that differ in their row only are one paragraph") {
  Json second = certificate("shifted", "forward");
  second["softmax_slot"] = 3;
  second["window"] = 4;
  second["index"] = 99;
  const auto texts = judge::birth_texts(run_with({certificate("shifted", "forward"), second}));
  REQUIRE(texts.size() == 1);
  CHECK(texts[0].find("windows 1 4, slots 2..3, channel 0 (element 8, the first of 6)") != std::string::npos);
  second["operation"] = "add";
  CHECK(judge::birth_texts(run_with({certificate("shifted", "forward"), second})).size() == 2);
}

TEST_CASE("forward finite and backward not is said, whether born backward or masked forward") {
  const std::string named = "the backward pass is not";
  const auto said = [&](const Json& run) { return judge::birth_texts(run)[0].find(named) != std::string::npos; };
  const Json backward = certificate("grad.logits", "backward");
  CHECK(said(run_with({backward})));
  Json forward = certificate("shifted", "forward");
  CHECK_FALSE(said(run_with({forward})));
  CHECK_FALSE(judge::birth_texts(run_with({forward, backward}))[1].find(named) != std::string::npos);
  forward["masked_by"] = "weights";
  CHECK_FALSE(said(run_with({forward})));
  forward["path"] = Json::array({{{"slot", "grad.logits"}, {"count", 4}}});
  CHECK(said(run_with({forward})));
  CHECK(judge::birth_texts(run_with({forward}))[0].find("weights does not pass it on. It returns at grad.logits") !=
        std::string::npos);
}

TEST_CASE("what the recipe does not make is told from what it makes") {
  const auto told = [&](const char* kind, const Json& operand) {
    Json one = certificate("values", "forward");
    one["class"] = kind;
    one["operation"] = "pad";
    one["operands"] = Json::array({{{"value", operand}, {"hex", "0x0"}}});
    return judge::birth_texts(run_with({one}))[0].find("the recipe has pad") != std::string::npos;
  };
  CHECK(told("from pad", 0));
  CHECK(told("from pad", "-inf"));
  CHECK_FALSE(told("from pad", "nan"));
  CHECK(told("not from the recipe", 0));
}

TEST_CASE("batch rows are named where the report knows that there are several") {
  Json run = run_with({certificate("shifted", "forward")});
  const auto text = [&] { return judge::birth_texts(run)[0]; };
  run["rows"] = Json::array({{{"slot", "shifted"}, {"shape", {2, 2, 2, 1}}}});
  run["nonfinite"][0]["index"] = 5;
  CHECK(text().find("channel 0, batch row 1 (element 5") != std::string::npos);
  run["rows"][0]["shape"] = Json::array({1, 4, 2, 1});
  CHECK(text().find("batch row") == std::string::npos);
  run["rows"] = Json::array({{{"slot", "grad.shifted"}, {"shape", {2, 4, 1}}}});
  CHECK(text().find("batch row 1") != std::string::npos);
}

TEST_CASE("one more slot is no more slots") {
  Json one = certificate("shifted", "forward");
  for (int i = 0; i < 7; ++i) one["path"].push_back({{"slot", "s" + std::to_string(i)}, {"count", i}});
  CHECK(judge::birth_texts(run_with({one}))[0].find("s2 (2), 1 more slot, s4 (4)") != std::string::npos);
}

TEST_CASE("long paths are cut, and nothing is said to cure what nothing cured") {
  Json one = certificate("shifted", "forward");
  for (int i = 0; i < 9; ++i) one["path"].push_back({{"slot", "s" + std::to_string(i)}, {"count", i}});
  const std::string text = judge::birth_texts(run_with({one}))[0];
  CHECK(text.find("s0 (0), s1 (1), s2 (2), 3 more slots, s6 (6), s7 (7), s8 (8)") != std::string::npos);
  CHECK(text.find("No change that was tried cures it") != std::string::npos);
}

TEST_CASE("every rendering shows a run's certificates") {
  const auto problem = test::small_problems().front().problem;
  const auto recipe = test::with_settings(compressor::load_recipe("fp32"), {"softmax=online"});
  const auto run = compressor::run_traced(problem, recipe, {});
  judge::Report report;
  report.provenance = {{"version", "0"}};
  report.problems.push_back(judge::describe(problem));
  report.runs.push_back(judge::measure_run(problem, run, test::truth_of(problem, recipe), 1));
  const Json json = judge::to_json(report);
  for (const std::string& text :
       {judge::terminal_text(json, judge::Colour::off), judge::markdown_text(json), judge::html_fragment(json)}) {
    CHECK(text.find("born at denominator, window 0, channel 0") != std::string::npos);
  }
}
