// SPDX-License-Identifier: Apache-2.0
// JSON with the house rules.
#include "core/io/json.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>

#include "core/io/error.hpp"
#include "tests/core/io/files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace ulpscope::io;
using namespace ulpscope::test;
using Catch::Matchers::Contains;

namespace {

std::string refused(std::string_view text) {
  return refusal([&] { parse_json(text, "r.json"); });
}

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') + std::string(static_cast<std::size_t>(depth), ']');
}

}  // namespace

TEST_CASE("JSON keeps the order of its keys", "[io]") {
  CHECK(parse_json(R"({"b": 1, "a": [1.5, null, "x"]})", "t").dump() == R"({"b":1,"a":[1.5,null,"x"]})");
  CHECK(parse_sorted_json(R"({"b": 1, "a": 2})", "t").dump() == R"({"a":2,"b":1})");
}

TEST_CASE("Broken JSON is refused with its place", "[io]") {
  CHECK_THAT(refused("{\n \"a\": }"), Contains("r.json: not valid JSON: parse error at line 2, column 7"));
  for (const char* text : {"", "{", "{} {}", "{} x", "NaN", "[Infinity]", "[-inf]", "{'a': 1}", "[1,]", "\"\xff\"",
                           "{\"a\" 1}", "1e999", "[01]", "nul", "\"\\ud800\"", "// c\n{}"}) {
    CAPTURE(text);
    CHECK_THAT(refused(text), Contains("r.json: not valid JSON: ") && !Contains("\n"));
  }
}

TEST_CASE("A NUL does not end the text", "[io]") {
  CHECK(refused(std::string_view("{}\0{", 4)) == "r.json: not valid JSON: a NUL byte at offset 2");
  CHECK(parse_json("\"\\u0000\"", "t").get<std::string>() == std::string(1, '\0'));
}

TEST_CASE("A key may appear once in an object, and again in another", "[io]") {
  CHECK(refused(R"({"x": {"a": 1, "b": 2, "a": 1}})") == "r.json: key 'a' appears twice in one JSON object");
  CHECK(refused(R"([{"a": {"a": [{"a": 1}]}}, {"a": 2}])") == "(accepted)");
  CHECK_THAT(refusal([] { parse_sorted_json(R"({"a": 1, "a": 1})", "h"); }), Contains("appears twice"));
}

TEST_CASE("Nesting has a limit", "[io]") {
  CHECK(refused(nested(max_json_depth)) == "(accepted)");
  CHECK(refused(nested(max_json_depth + 1)) == "r.json: JSON nested deeper than 64 levels");
  CHECK(refused(std::string(1000000, '[')) == "r.json: JSON nested deeper than 64 levels");
}

TEST_CASE("Numbers are their nearest binary64, in and out", "[io]") {
  CHECK(parse_json("1e-6", "t").get<double>() == 0x1.0c6f7a0b5ed8dp-20);
  for (const double value : {0.1, 1e-6, 5e-324, std::numeric_limits<double>::max(), -0.0, 160000.0, 1.0 / 3}) {
    const double back = number_of(parse_json(to_text(number(value)), "t"));
    CHECK(back == value);
    CHECK(std::signbit(back) == std::signbit(value));
  }
}

TEST_CASE("Numbers that are not finite travel as strings", "[io]") {
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(to_text(number(inf)) == "\"inf\"\n");
  CHECK(number_of(number(-inf)) == -inf);
  CHECK(std::isnan(number_of(number(std::nan("")))));
  CHECK_THROWS_AS(number_of(Json("1.5")), std::invalid_argument);
  CHECK_THROWS_AS(number_of(Json(nullptr)), std::invalid_argument);
  CHECK_FALSE(is_number_or_nonfinite(Json("Inf")));
}

TEST_CASE("Hexadecimal numbers are C99's", "[io]") {
  CHECK(hex_number(1e-6) == "0x1.0c6f7a0b5ed8dp-20");
  CHECK(hex_number(-0.0) == "-0x0p+0");
  CHECK(hex_number(-9984) == "-0x1.38p+13");
  CHECK(hex_number(std::nan("")) == "nan");
  CHECK(hex_number(-std::numeric_limits<double>::infinity()) == "-inf");
  for (const double value : {5e-324, 0.1, std::numeric_limits<double>::max()}) {
    CHECK(std::strtod(hex_number(value).c_str(), nullptr) == value);
  }
}

TEST_CASE("JSON files are written indented and read back", "[io]") {
  const TempDir dir;
  const Json json = {{"name", "hf"}, {"values", {1, 2.5}}};
  write_json(dir / "a.json", json);
  CHECK(get(dir / "a.json") == "{\n  \"name\": \"hf\",\n  \"values\": [\n    1,\n    2.5\n  ]\n}\n");
  CHECK(read_json(dir / "a.json") == json);
  CHECK(to_text(Json("bad\xff")) == "\"bad\xef\xbf\xbd\"\n");
  CHECK_THAT(refusal([&] { read_json(dir / "none.json"); }), Contains("none.json: cannot be read: No such file"));
}
