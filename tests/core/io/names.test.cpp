// SPDX-License-Identifier: Apache-2.0
// Words for error sentences.
#include "core/io/names.hpp"

#include "core/io/error.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::io;

TEST_CASE("Quoted names cannot break a line or a terminal", "[io]") {
  CHECK(in_quotes("kv") == "'kv'");
  CHECK(in_quotes("a\nb\x1b[31m") == "'a\\x0ab\\x1b[31m'");
  CHECK(in_quotes("h\xc3\xa9") == "'h\xc3\xa9'");
  CHECK(in_quotes("bad\xff") == "'bad\\xff'");
  CHECK(in_quotes(std::string(500, 'x')).size() < 100);
}

TEST_CASE("A printable text holds nothing that a terminal acts on, and is not cut", "[io]") {
  CHECK(printable("\x1b]0;x\x07\r\n") == "\\x1b]0;x\\x07\\x0d\\x0a");
  CHECK(printable(std::string("\0", 1)) == "\\x00");
  CHECK(printable("\xC2\x9B"
                  "1m") == "\\xc2\\x9b1m");  // CSI in one character
  CHECK(printable("a\xE2\x80\xAE"
                  "b") == "a\\xe2\\x80\\xaeb");  // right-to-left override
  CHECK(printable("h\xC3\xA9 \xE2\x80\xA6") == "h\xC3\xA9 \xE2\x80\xA6");
  CHECK(printable(std::string(500, 'x')).size() == 500);
}

TEST_CASE("An InputError is one line whatever its text", "[io]") {
  CHECK(std::string(ulpscope::InputError("a\nb\tc\x7f").what()) == "a?b?c?");
}

TEST_CASE("The nearest known name is suggested only when it is near", "[io]") {
  const std::vector<std::string> known = {"fp32", "hf", "pr3810", "maxtext"};
  CHECK(nearest("hff", known) == "hf");
  CHECK(nearest("PR3810", known) == "pr3810");
  CHECK(nearest("maxtxt", known) == "maxtext");
  CHECK(nearest("zzz", known) == "");
  CHECK(nearest("", known) == "");
  CHECK(nearest(std::string(10000, 'h'), known) == "");
}

TEST_CASE("The sentence for an unknown name lists the known ones", "[io]") {
  CHECK(unknown_name("recipe", "hff", {"fp32", "hf"}) == "unknown recipe 'hff'; did you mean 'hf'? known: fp32 hf");
  CHECK(unknown_name("pad", "9", {"lowest"}) == "unknown pad '9'; known: lowest");
  CHECK(unknown_name("tensor", "kv", {}) == "unknown tensor 'kv'; known: none");
  CHECK(listed({"two words", ""}) == "'two words' ''");
  CHECK(listed(std::vector<std::string>(100, "t")).ends_with("t t ... (100 in all)"));
}

TEST_CASE("UTF-8 is checked as Unicode defines it", "[io]") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("a\xc2\x80\xe0\xa0\x80\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "a\xff"}) {
    CAPTURE(in_quotes(bad));
    CHECK_FALSE(is_utf8(bad));
  }
}
