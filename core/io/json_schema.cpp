// SPDX-License-Identifier: Apache-2.0
// The keywords of a schema, one by one.
#include "core/io/json_schema.hpp"

#include <algorithm>
#include <cstdint>

namespace ulpscope::io {
namespace {

bool is_type(const Json& json, const std::string& type) {
  if (type == "object") return json.is_object();
  if (type == "array") return json.is_array();
  if (type == "string") return json.is_string();
  if (type == "boolean") return json.is_boolean();
  if (type == "null") return json.is_null();
  if (type == "integer") return json.is_number_integer();
  return type == "number" && json.is_number();
}
bool has_type(const Json& json, const Json& type) {
  if (type.is_string()) return is_type(json, type.get<std::string>());
  return std::any_of(type.begin(), type.end(), [&](const Json& one) { return is_type(json, one.get<std::string>()); });
}

/// The value, or what it is where it is long.
std::string brief(const Json& json) {
  std::string text = json.dump();
  return text.size() <= 60 ? text : json.type_name() + (" of " + std::to_string(text.size()) + " bytes");
}

}  // namespace

std::vector<std::string> SchemaChecker::faults(const Json& json) const {
  Faults found;
  check(json, root_, "", found);
  return found;
}

void SchemaChecker::check(const Json& json, const Json& schema, const std::string& where, Faults& found) const {
  if (schema.contains("$ref")) {
    const std::string name = schema["$ref"].get<std::string>().substr(std::string("#/$defs/").size());
    return check(json, root_.at("$defs").at(name), where, found);
  }
  if (schema.contains("anyOf")) return check_any(json, schema["anyOf"], where, found);
  if (schema.contains("type") && !has_type(json, schema["type"]))
    found.push_back(where + ": wrong type: " + brief(json));
  if (schema.contains("const") && json != schema["const"])
    found.push_back(where + ": is not " + schema["const"].dump());
  if (schema.contains("enum")) {
    const Json& values = schema["enum"];
    if (std::find(values.begin(), values.end(), json) == values.end())
      found.push_back(where + ": not one of " + values.dump());
  }
  if (schema.contains("minimum") && json.is_number() && json < schema["minimum"])
    found.push_back(where + ": too small");
  if (schema.contains("exclusiveMinimum") && json.is_number() && json <= schema["exclusiveMinimum"])
    found.push_back(where + ": too small");
  if (schema.contains("multipleOf") && json.is_number_integer() &&
      json.get<std::int64_t>() % schema["multipleOf"].get<std::int64_t>() != 0)
    found.push_back(where + ": no multiple of " + schema["multipleOf"].dump());
  if (json.is_object()) check_object(json, schema, where, found);
  if (json.is_array() && schema.contains("items")) {
    for (std::size_t i = 0; i < json.size(); ++i)
      check(json[i], schema["items"], where + "/" + std::to_string(i), found);
  }
}

void SchemaChecker::check_any(const Json& json, const Json& schemas, const std::string& where, Faults& found) const {
  Faults all;
  for (const Json& schema : schemas) {
    Faults one;
    check(json, schema, where, one);
    if (one.empty()) return;
    all.insert(all.end(), one.begin(), one.end());
  }
  found.insert(found.end(), all.begin(), all.end());
}

void SchemaChecker::check_object(const Json& json, const Json& schema, const std::string& where, Faults& found) const {
  if (schema.contains("required")) {
    for (const Json& name : schema["required"]) {
      if (!json.contains(name.get<std::string>())) found.push_back(where + ": lacks " + name.get<std::string>());
    }
  }
  for (const auto& [name, value] : json.items()) {
    const std::string place = where + "/" + name;
    if (schema.contains("properties") && schema["properties"].contains(name)) {
      check(value, schema["properties"][name], place, found);
    } else if (schema.contains("additionalProperties")) {
      const Json& others = schema["additionalProperties"];
      if (others == false) found.push_back(place + ": unknown field");
      if (others.is_object()) check(value, others, place, found);
    }
  }
}

}  // namespace ulpscope::io
