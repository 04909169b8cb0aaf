// SPDX-License-Identifier: Apache-2.0
// Typed reading of JSON objects.
#include "core/io/fields.hpp"

#include <cmath>

#include "tests/core/io/files.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::io;
using ulpscope::test::refusal;

namespace {

const Json sample =
    parse_json(R"({"name": "hf", "eps": 1e-6, "pad": "-inf", "seq": 4096, "big": 4096.0, "shift": -2, "norm": true,
                                   "rope": null, "list": ["a", "b"], "yarn": {"factor": 16, "beta": "x"}})",
               "sample");

}  // namespace

TEST_CASE("Fields come with their types", "[io]") {
  const Fields fields(sample, "p: config");
  CHECK(fields.string("name") == "hf");
  CHECK(fields.number("eps") == 1e-6);
  CHECK(fields.number("pad") == -HUGE_VAL);
  CHECK(fields.size("seq") == 4096);
  CHECK(fields.size("big") == 4096);
  CHECK(fields.integer("shift") == -2);
  CHECK(fields.boolean("norm"));
  CHECK(fields.strings("list") == std::vector<std::string>{"a", "b"});
  CHECK(fields.object("yarn").size("factor") == 16);
  CHECK(fields.choice("name", {"fp32", "hf"}) == "hf");
  CHECK(fields.value("list").size() == 2);
}

TEST_CASE("Absent and null are the same for optional fields", "[io]") {
  const Fields fields(sample, "p");
  CHECK_FALSE(fields.has("rope"));
  CHECK_FALSE(fields.optional_object("rope"));
  CHECK_FALSE(fields.optional_number("nothing"));
  CHECK_FALSE(fields.optional_boolean("nothing"));
  CHECK_FALSE(fields.optional_string("nothing"));
  CHECK_FALSE(fields.optional_integer("nothing"));
  CHECK(fields.optional_value("nothing") == nullptr);
  CHECK(fields.optional_size("seq") == 4096u);
}

TEST_CASE("A field of the wrong type is named with what was found", "[io]") {
  const Fields fields(sample, "p.json: config");
  CHECK(refusal([&] { fields.string("seq"); }) == "p.json: config: field 'seq' must be a string, found 4096");
  CHECK(refusal([&] { fields.number("name"); }) ==
        "p.json: config: field 'name' must be a number (or \"nan\", \"inf\", \"-inf\"), found 'hf'");
  CHECK(refusal([&] { fields.size("shift"); }) ==
        "p.json: config: field 'shift' must be a whole number >= 0, found -2");
  CHECK(refusal([&] { fields.size("eps"); }) == "p.json: config: field 'eps' must be a whole number >= 0, found 1e-06");
  CHECK(refusal([&] { fields.boolean("rope"); }) == "p.json: config: field 'rope' must be true or false, found null");
  CHECK(refusal([&] { fields.object("list"); }) == "p.json: config: field 'list' must be an object, found an array");
  CHECK(refusal([&] { fields.size("seqq"); }) ==
        "p.json: config: field 'seqq' must be a whole number >= 0, found nothing");
  CHECK(refusal([&] {
          fields.object("yarn").number("beta");
        }).starts_with("p.json: config.yarn: field 'beta' must be a number"));
  CHECK(refusal([&] {
          fields.choice("name", {"fp32", "hff"});
        }) == "p.json: config: unknown name 'hf'; did you mean 'hff'? known: fp32 hff");
}

TEST_CASE("Only objects have fields", "[io]") {
  const Json array = Json::array({1});
  CHECK(refusal([&] { Fields(array, "r.json"); }) == "r.json: expected a JSON object, found an array");
}

TEST_CASE("Whole numbers stop at the range of 64 bits", "[io]") {
  const Json json =
      parse_json(R"({"a": 9223372036854775807, "b": 9223372036854775808, "c": -9223372036854775808, "d": 1e300})", "t");
  const Fields fields(json, "t");
  CHECK(fields.integer("a") == INT64_MAX);
  CHECK(fields.integer("c") == INT64_MIN);
  CHECK(refusal([&] { fields.integer("b"); }) == "t: field 'b' must be a whole number, found 9223372036854775808");
  CHECK(refusal([&] { fields.integer("d"); }) == "t: field 'd' must be a whole number, found 1e+300");
}

TEST_CASE("Fields that nobody knows are refused with the nearest known name", "[io]") {
  const Json json = parse_json(R"({"softmax": "shifted", "sumation": "blas"})", "t");
  const Fields fields(json, "r.json");
  fields.optional_string("softmax");
  fields.optional_string("summation");
  CHECK(refusal([&] { fields.no_others(); }) ==
        "r.json: unknown field 'sumation'; did you mean 'summation'? known: softmax summation");
  fields.allow("sumation");
  CHECK(refusal([&] { fields.no_others(); }) == "(accepted)");
}
