// SPDX-License-Identifier: Apache-2.0
// A study small enough to know every cell of: counts how often it is asked.
#pragma once

#include <atomic>

#include "core/studies/study.hpp"

namespace ulpscope::test {

inline std::atomic<std::size_t> toy_calls = 0;

/// Axes a (a count) and b (x, y and the value "x,y", which the full form skips).
inline studies::Study toy_study() {
  using namespace studies;
  const auto measure = [](const Point& at, const Subject& subject) -> io::Json {
    ++toy_calls;
    if (at.at("b") == "x,y") return {{"skipped", "both at once"}};
    const double a = at.at("a") == "given" ? 0 : static_cast<double>(at.count("a"));
    return {{"sum", io::number(a + (at.at("b") == "y" ? 10 : 0))},
            {"draw", io::number(static_cast<double>(subject.seed))},
            {"parity", subject.seed % 2 == 0 ? "even" : "odd"},
            {"truth", subject.truth != nullptr ? "yes" : "no"}};
  };
  const auto conclude = [](std::span<const Cell> cells) {
    return std::vector<std::string>{std::to_string(cells.size()) + " cells."};
  };
  return {"toy",
          "What is a + b?",
          {{"a", "a count", {"1"}, {"1", "2", "3"}, &count_word, true},
           {"b", "x: 0, y: 10", {"x", "y"}, {"x", "y", "x,y"}}},
          {{"sum", "a + b"}, {"draw", "the seed"}, {"parity", "of the seed"}, {"truth", "whether there is one"}},
          false,
          measure,
          conclude};
}

}  // namespace ulpscope::test
