// SPDX-License-Identifier: Apache-2.0
// Every keyword of a schema that the checker knows, met and broken.
#include "core/io/json_schema.hpp"

#include "tests/support/catch.hpp"

using namespace ulpscope::io;

namespace {

const Json schema = parse_json(R"({
  "type": "object", "required": ["kind"], "additionalProperties": {"type": "integer"},
  "properties": {
    "kind": {"const": "a"},
    "word": {"enum": ["x", "y"]},
    "size": {"type": "integer", "minimum": 1, "multipleOf": 4},
    "positive": {"type": "number", "exclusiveMinimum": 0},
    "list": {"type": "array", "items": {"$ref": "#/$defs/either"}},
    "closed": {"type": "object", "additionalProperties": false}
  },
  "$defs": {"either": {"anyOf": [{"type": "null"}, {"type": "string"}]}}
})",
                               "schema");

std::vector<std::string> faults(const std::string& text) {
  return SchemaChecker(schema).faults(parse_json(text, "text"));
}

/// Empty where the document conforms.
std::string first_fault(const std::string& text) {
  const std::vector<std::string> found = faults(text);
  return found.empty() ? "" : found.front();
}

}  // namespace

TEST_CASE("a document that conforms has no fault") {
  CHECK(faults(R"({"kind": "a", "word": "y", "size": 8, "positive": 0.5, "list": [null, "s"], "closed": {}, "n": 3})")
            .empty());
}

TEST_CASE("each keyword finds its fault, with the place") {
  CHECK(faults("{}") == std::vector<std::string>{": lacks kind"});
  CHECK(first_fault("[]") == ": wrong type: []");
  CHECK(faults(R"({"kind": "b"})") == std::vector<std::string>{"/kind: is not \"a\""});
  CHECK(first_fault(R"({"kind": "a", "word": "z"})") == "/word: not one of [\"x\",\"y\"]");
  CHECK(first_fault(R"({"kind": "a", "size": 0})") == "/size: too small");
  CHECK(first_fault(R"({"kind": "a", "size": 6})") == "/size: no multiple of 4");
  CHECK(first_fault(R"({"kind": "a", "positive": 0})") == "/positive: too small");
  CHECK(first_fault(R"({"kind": "a", "list": [null, 3]})") == "/list/1: wrong type: 3");
  CHECK(first_fault(R"({"kind": "a", "closed": {"q": 1}})") == "/closed/q: unknown field");
  CHECK(first_fault(R"({"kind": "a", "n": ")" + std::string(99, 's') + R"("})") ==
        "/n: wrong type: string of 101 bytes");
  CHECK(first_fault(R"({"kind": "a", "n": "s"})") == "/n: wrong type: \"s\"");
}
