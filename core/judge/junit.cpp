// SPDX-License-Identifier: Apache-2.0
// Suites as text, their sums at the head.
#include "core/judge/junit.hpp"

#include <fmt/format.h>

#include "core/judge/markup.hpp"

namespace ulpscope::judge {

void JUnitDocument::begin_suite(const std::string& name) {
  end_suite();
  suite_ = {escaped(name), "", 0, 0, 0};
}

void JUnitDocument::add(const JUnitCase& one) {
  ++suite_.tests;
  suite_.cases += fmt::format("    <testcase classname=\"{}\" name=\"{}\"", escaped(one.of), escaped(one.name));
  if (one.status == "ok") {
    suite_.cases += "/>\n";
    return;
  }
  const bool undecided = one.status == "undecided";
  const bool failed = undecided || one.status == "fail";
  suite_.failures += failed;
  suite_.skipped += !failed;
  suite_.cases += fmt::format(">\n      <{} message=\"{}{}\"/>\n    </testcase>\n", failed ? "failure" : "skipped",
                              undecided ? "undecided: " : "", escaped(one.reason));
}

void JUnitDocument::end_suite() {
  if (suite_.name.empty()) return;
  suites_ += fmt::format(
      "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\">\n{}  </testsuite>\n",
      suite_.name, suite_.tests, suite_.failures, suite_.skipped, suite_.cases);
  tests_ += suite_.tests;
  failures_ += suite_.failures;
}

std::string JUnitDocument::xml() {
  begin_suite("");
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"ulpscope\" tests=\"{}\" failures=\"{}\" "
      "errors=\"0\">\n{}</testsuites>\n",
      tests_, failures_, suites_);
}

}  // namespace ulpscope::judge
