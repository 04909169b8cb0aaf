// SPDX-License-Identifier: Apache-2.0
// Expressions of names: what they match, what their groups are, and that none of them is slow.
#include "core/io/pattern.hpp"

#include "core/io/error.hpp"
#include "tests/support/catch.hpp"

using ulpscope::InputError;
using ulpscope::io::Pattern;

namespace {

bool matches(const char* pattern, const std::string& name) { return Pattern(pattern, "map").matches(name); }

std::string rewritten(const char* pattern, const std::string& name, const char* target) {
  return Pattern(pattern, "map").rewrite(name, target).value_or("no match");
}

}  // namespace

TEST_CASE("an expression matches whole names only") {
  CHECK(matches("kv|gate", "gate"));
  CHECK_FALSE(matches("kv|gate", "gates"));
  CHECK(matches("^pooled$", "pooled"));
  CHECK(matches("", ""));
  CHECK_FALSE(matches("", "a"));
  CHECK(matches("layers\\.[0-9]+\\.out", "layers.31.out"));
  CHECK_FALSE(matches("layers\\.[0-9]+\\.out", "layersx31xout"));
  CHECK(matches("[^.]*\\.\\w+", "a-b.c_9"));
  CHECK(matches("[]a-c-]+", "]b-"));
  CHECK(matches(".*", std::string("\0\n\xFF", 3)));
  CHECK(matches("a{2}b{1,3}c{0,}", "aabbb"));
  CHECK_FALSE(matches("a{2}b{1,3}c{0,}", "aabbbb"));
  CHECK(matches("(?:ab)+", "abab"));
  CHECK(matches("(a*)*b", "aab"));
}

TEST_CASE("groups are those of the first way to match") {
  CHECK(rewritten("d_(.*)", "d_pooled", "grad.$1") == "grad.pooled");
  CHECK(rewritten("(a+)(a*)", "aaa", "$1,$2") == "aaa,");
  CHECK(rewritten("(a+?)(a*)", "aaa", "$1,$2") == "a,aa");
  CHECK(rewritten("(a|ab)(c|bcd)(d*)", "abcd", "$1,$2,$3") == "a,bcd,");
  CHECK(rewritten("(x)?y", "y", "<$1>$$$0") == "<>$y");
  CHECK(rewritten("(?:a|b)(c)", "bc", "$1") == "c");
  CHECK(rewritten("(.)*", "abc", "$1") == "c");
}

TEST_CASE("what is no expression of the grammar is refused") {
  for (const char* bad : {"(", ")", "(a", "a)", "[", "[a", "*", "a**", "a{", "a{x}", "a{3,2}", "[z-a]", "\\", "\\1",
                          "(?=a)", "a{9999}", "((a{99}){99}){99}", "a{2}{2}"}) {
    INFO(bad);
    CHECK_THROWS_AS(Pattern(bad, "map.json"), InputError);
  }
  CHECK_THROWS_AS(Pattern(std::string(100000, '('), "map.json"), InputError);
}

// With backtracking the first of these takes 2^40 steps, and the test is ended by its time limit.
TEST_CASE("no expression is slow and no name is too long") {
  CHECK_FALSE(matches("(a+)+c", std::string(40, 'a')));
  CHECK_FALSE(matches("(a|a)*(a|a)*(a|a)*b", std::string(10000, 'a')));
  CHECK(matches(".*", std::string(1000000, 'x')));
}
