// SPDX-License-Identifier: Apache-2.0
// JUnit XML from verdicts: suites of test cases. Internal to core/judge.
#pragma once

#include <cstddef>
#include <string>

namespace ulpscope::judge {

/// One test case: what was judged, of whom.
struct JUnitCase {
  std::string name;
  std::string of;      ///< its class name
  std::string status;  ///< "ok", "fail", "undecided" (a failure too); anything else is skipped
  std::string reason;
};

class JUnitDocument {
 public:
  void begin_suite(const std::string& name);
  void add(const JUnitCase& one);
  std::string xml();

 private:
  struct Suite {
    std::string name;
    std::string cases;
    std::size_t tests = 0;
    std::size_t failures = 0;
    std::size_t skipped = 0;
  };
  void end_suite();

  Suite suite_;
  std::string suites_;
  std::size_t tests_ = 0;
  std::size_t failures_ = 0;
};

}  // namespace ulpscope::judge
