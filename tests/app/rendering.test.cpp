// SPDX-License-Identifier: Apache-2.0
// Documents that lost or changed any one of their nodes: refused with a place, or shown in every form; never a crash.
#include "app/rendering.hpp"

#include <functional>
#include <set>

#include "app/verbs.hpp"
#include "core/compressor/run.hpp"
#include "core/io/error.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/temp_dir.hpp"

using namespace ulpscope;
using io::Json;

namespace {

using Visit = std::function<void(Json& parent, const std::string& place)>;

/// Calls `visit` for every object and array, the first of each kind of place: "/runs/*/rows/*" is met once.
void each_parent(Json& node, const std::string& place, std::set<std::string>& met, const Visit& visit) {
  if (!node.is_structured()) return;
  if (met.insert(place).second) visit(node, place);
  const bool list = node.is_array();
  for (const auto& [key, child] : node.items()) each_parent(child, place + "/" + (list ? "*" : key), met, visit);
}

/// Lists are cut to their first elements: those that follow are of the same kinds.
void shorten(Json& node) {
  if (!node.is_structured()) return;
  while (node.is_array() && node.size() > 4) node.erase(node.size() - 1);
  for (Json& child : node) shorten(child);
}

void show(const Json& document) {
  static_cast<void>(app::terminal_text(document, judge::Colour::on));
  static_cast<void>(app::markdown_text(document));
  static_cast<void>(app::html_text(document));
  for (auto* text : {app::junit_xml, app::csv_text}) {
    try {
      static_cast<void>(text(document));
    } catch (const InputError&) {  // a kind that has no such form
    }
  }
}

/// How many of the changed documents were shown all the same.
std::size_t show_changed(Json document) {
  shorten(document);
  REQUIRE(app::faults_of(document).empty());
  show(document);
  std::set<std::string> met;
  std::size_t shown = 0;
  const auto try_now = [&](const std::string& what) {
    INFO(what);
    if (!app::faults_of(document).empty()) return;
    CHECK_NOTHROW(show(document));
    ++shown;
  };
  each_parent(document, "", met, [&](Json& parent, const std::string& place) {
    const Json whole = parent;
    for (const auto& [key, child] : whole.items()) {
      const auto at = [&]() -> Json& { return whole.is_array() ? parent[std::stoul(key)] : parent[key]; };
      for (const Json& other : {Json(), Json(-7), Json("x"), Json::array({1}), Json{{"a", 1}}}) {
        at() = other;
        try_now(place + "/" + key + " = " + other.dump());
        parent = whole;
      }
      if (whole.is_array()) {
        parent.erase(std::stoul(key));
      } else {
        parent.erase(key);
      }
      try_now(place + " without " + key);
      parent = whole;
      if (whole.is_array()) break;  // the others are of the same kind
    }
  });
  return shown;
}

std::shared_ptr<const compressor::Problem> golden(const std::string& name) {
  return std::make_shared<const compressor::Problem>(test::golden_problem(name));
}

}  // namespace

TEST_CASE("a report that lost or changed any one of its nodes is refused or shown") {
  app::ReportOptions options;
  options.problems = {golden("csa-tiny")};
  options.recipes = {"hf"};
  CHECK(show_changed(app::report(options).report) > 100);
}

TEST_CASE("so is a comparison that fails and has births") {
  const test::TempDir folder;
  app::RunOptions run;
  run.problem = test::golden_path("csa-tiny.problem");
  run.recipe = "fp32";
  run.mutant = "kv_nan_in_pad";
  run.output = (folder / "dump.safetensors").string();
  app::run(run);
  app::CompareOptions options;
  options.problem = run.problem;
  options.dump = run.output;
  options.recipe = run.recipe;
  const app::Outcome outcome = app::compare(options);
  REQUIRE(outcome.exit == 1);
  REQUIRE(!outcome.report["runs"][0]["nonfinite"].empty());
  CHECK(show_changed(outcome.report) > 100);
}

TEST_CASE("so are a study's results and a check") {
  app::StudyOptions study;
  study.name = "accumulate";
  study.values = {{"format", {"bf16"}}, {"data", {"ones"}}};
  CHECK(show_changed(app::study(study).report) > 10);
  const test::TempDir folder;
  app::BlessOptions bless;
  bless.problems = {test::golden_path("csa-tiny.problem")};
  bless.recipes = {"hf"};
  bless.output = (folder / "b.json").string();
  app::bless(bless);
  Json blessed = io::read_json(bless.output);
  blessed["runs"].begin().value()["slots"]["pooled"]["rms_rel"] = 0.0;
  io::write_json(bless.output, blessed);
  app::CheckOptions check;
  check.baseline = bless.output;
  CHECK(show_changed(app::check(check).report) > 10);
}
