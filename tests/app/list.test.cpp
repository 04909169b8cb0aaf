// SPDX-License-Identifier: Apache-2.0
// The tables that name what other parts of the program do.
#include <algorithm>

#include "app/verbs.hpp"
#include "core/judge/diagnosis.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;

TEST_CASE("diagnoses are those that name a bug, in the order in which they are tried") {
  const io::Json rows = app::list("diagnoses").report;
  REQUIRE(rows.size() + 1 == judge::diagnoses().size());
  for (std::size_t i = 0; i < rows.size(); ++i) CHECK(rows[i]["name"] == judge::diagnoses()[i].name);
  CHECK(judge::diagnoses().back().name == "pattern");
}

TEST_CASE("no line of a table is cut on a terminal of 120 columns") {
  for (const char* topic : {"maps", "mutants", "diagnoses", "pads", "softmax", "summations", "exps"}) {
    INFO(topic);
    CHECK(app::list(topic).text.find("..\n") == std::string::npos);
  }
}
