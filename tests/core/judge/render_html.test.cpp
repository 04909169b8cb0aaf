// SPDX-License-Identifier: Apache-2.0
// HTML of a report: every text escaped, nothing loaded, a page and its fragment alike.
#include <regex>
#include <string>

#include "core/judge/html_table.hpp"
#include "core/judge/markup.hpp"
#include "core/judge/render.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using Catch::Matchers::Contains;

namespace {

/// The smallest report that has a note and a summary.
io::Json report_saying(const std::string& text) {
  return {{"schema", "ulpscope.report/1"},
          {"provenance", {{"version", "0"}, {"commit", "c"}, {"date", "d"}, {"cpu", text}}},
          {"problems", io::Json::array()},
          {"runs", io::Json::array()},
          {"summary", {text}},
          {"exit", 0}};
}

}  // namespace

TEST_CASE("texts are escaped") {
  CHECK(judge::escaped("<a href=\"x\">'&'</a>\n") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt; ");
  const std::string html = judge::html_fragment(report_saying("<script>alert(1)</script>"));
  CHECK_THAT(html, Contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !Contains("<script"));
}

TEST_CASE("a page is its fragment and loads nothing") {
  const io::Json report = report_saying("All pass.");
  const std::string page = judge::html_page(judge::html_fragment(report));
  CHECK_THAT(page, Contains(judge::html_fragment(report)) && Contains("<!DOCTYPE html>") && Contains("All pass."));
  CHECK(!std::regex_search(page, std::regex("<(script|img|link|iframe)|url\\(|https?:")));
}
