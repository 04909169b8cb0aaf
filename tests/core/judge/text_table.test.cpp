// SPDX-License-Identifier: Apache-2.0
// Alignment, cutting, folding.
#include "core/judge/text_table.hpp"

#include <cmath>
#include <sstream>

#include "tests/support/catch.hpp"

using namespace ulpscope::judge;

TEST_CASE("words are left-aligned, numbers right-aligned, and lines end without spaces") {
  const TextTable table{{"slot", "error"}, {{"kv", "1"}, {"pooled", ""}}, 1};
  CHECK(plain_text(table) == "  slot    error\n  kv          1\n  pooled\n");
}

TEST_CASE("a table that is too wide is cut at its widest column") {
  const TextTable table{{"name", "about"}, {{"a", std::string(300, 'x')}}, 2};
  std::istringstream lines(plain_text(table));
  for (std::string line; std::getline(lines, line);) CHECK(display_width(line) <= terminal_width);
  CHECK(plain_text(table).find("..") != std::string::npos);
}

TEST_CASE("Markdown escapes bars") {
  const TextTable table{{"a", "b"}, {{"x|y", "1"}}, 1};
  CHECK(markdown(table) == "| a | b |\n| --- | ---: |\n| x\\|y | 1 |\n");
}

TEST_CASE("short numbers keep three digits or an exponent") {
  CHECK(short_number(0) == "0");
  CHECK(short_number(0.5) == "0.5");
  CHECK(short_number(12345.6) == "1.23e+04");
  CHECK(short_number(1.66e-3) == "1.7e-03");
  CHECK(short_number(std::nan("")) == "nan");
  CHECK(short_number(-HUGE_VAL) == "-inf");
}

TEST_CASE("folded text keeps every word") {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "word" + std::to_string(i) + ' ';
  const std::string folded_text = folded(text, "  ");
  std::istringstream lines(folded_text);
  std::string again;
  for (std::string line; std::getline(lines, line);) {
    CHECK(line.size() <= terminal_width);
    again += line.substr(2) + ' ';
  }
  CHECK(again.substr(0, text.size() - 1) == text.substr(0, text.size() - 1));
}

TEST_CASE("a table without rows is no text") {
  const TextTable empty{{"slot", "error"}, {}, 1};
  CHECK(plain_text(empty).empty());
  CHECK(markdown(empty).empty());
}
