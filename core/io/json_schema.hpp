// SPDX-License-Identifier: Apache-2.0
// JSON Schema, as much of it as ours use: what is wrong with a document.
#pragma once

#include <string>
#include <vector>

#include "core/io/json.hpp"

namespace ulpscope::io {

/// Knows type, const, enum, minimum, exclusiveMinimum, multipleOf (whole numbers), properties, required,
/// additionalProperties, items, anyOf, and "$ref"s that are "#/$defs/NAME" of `root`, which must outlive this.
class SchemaChecker {
 public:
  explicit SchemaChecker(const Json& root) : root_(root) {}
  /// One clause for each fault, with its place: "/cells/3: lacks at"; empty where the document conforms.
  std::vector<std::string> faults(const Json& json) const;

 private:
  using Faults = std::vector<std::string>;
  void check(const Json& json, const Json& schema, const std::string& where, Faults& found) const;
  void check_any(const Json& json, const Json& schemas, const std::string& where, Faults& found) const;
  void check_object(const Json& json, const Json& schema, const std::string& where, Faults& found) const;

  const Json& root_;
};

}  // namespace ulpscope::io
