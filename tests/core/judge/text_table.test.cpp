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

TEST_CASE("a mean is never cut off from its half-width") {
  const std::string interval = "2.7e-05 +- 2.4e-05";
  TextTable table{{"name", "about"}, {{std::string(90, 'x'), std::string(90, 'y')}}, 2};
  for (const char* head : {"a", "b", "c", "d", "a measure with a long name"}) {
    table.head.push_back(head);
    table.rows[0].push_back(interval);
  }
  const std::string text = plain_text(table);
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(interval, at)) != std::string::npos; ++at) ++found;
  CHECK(found == 5);
  CHECK(text.find("xx..") != std::string::npos);  // what gives way are words
  CHECK(text.find("yy..") != std::string::npos);
  CHECK(text.find('\n') <= terminal_width);
}

TEST_CASE("panels show every column uncut, each time behind the words") {
  const std::string cell(40, '7');
  const TextTable table{{"name", "p", "q", "r"}, {{"kv", cell, cell, "3"}, {"ape", "1", "2", cell}}, 1};
  const auto panel = [&](const std::string& head, const std::string& kv, const std::string& ape) {
    return plain_text({{"name", head}, {{"kv", kv}, {"ape", ape}}, 1});
  };
  const TextTable two{{"name", "p", "q"}, {{"kv", cell, cell}, {"ape", "1", "2"}}, 1};
  CHECK(plain_panels(table) == plain_text(two) + '\n' + panel("r", "3", cell));
  CHECK(plain_panels(two) == plain_text(two));
  CHECK(plain_panels({{"name", "p"}, {}, 1}).empty());
  // A column that fits nowhere has a panel of its own, and is cut there.
  const std::string wide(300, 'y');
  const TextTable wordy{{"name", "p", "q"}, {{"kv", wide, "1"}}, 1};
  CHECK(plain_panels(wordy) ==
        plain_text({{"name", "p"}, {{"kv", wide}}, 1}) + '\n' + plain_text({{"name", "q"}, {{"kv", "1"}}, 1}));
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
