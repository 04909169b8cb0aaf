// SPDX-License-Identifier: Apache-2.0
// Fields: typed reading of a JSON object, with sentences that say what was found and what is known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/io/json.hpp"

namespace ulpscope::io {

/// Reads the fields of one JSON object. Every reader names the field, what was found and what was expected in an
/// InputError headed by `where` ("problem.safetensors: config"). The optional_ readers give nothing where the field is
/// absent or null. Every name asked for counts as known; no_others() refuses the rest with the nearest known name.
class Fields {
 public:
  /// InputError if `json` is not an object. `json` must outlive this.
  Fields(const Json& json, std::string where);
  Fields(Json&& json, std::string where) = delete;

  /// Present and not null.
  bool has(const std::string& name) const;

  std::string string(const std::string& name) const;
  double number(const std::string& name) const;     ///< a number, or "nan", "inf", "-inf"
  std::size_t size(const std::string& name) const;  ///< a whole number >= 0
  std::int64_t integer(const std::string& name) const;
  bool boolean(const std::string& name) const;
  const Json& value(const std::string& name) const;  ///< anything but null
  Fields object(const std::string& name) const;      ///< the fields of a nested object; where = "WHERE.NAME"
  const Json& array(const std::string& name) const;
  std::vector<std::string> strings(const std::string& name) const;  ///< an array of strings

  /// A string that must be one of `known`.
  std::string choice(const std::string& name, const std::vector<std::string>& known) const;

  std::optional<std::string> optional_string(const std::string& name) const;
  std::optional<double> optional_number(const std::string& name) const;
  std::optional<std::size_t> optional_size(const std::string& name) const;
  std::optional<std::int64_t> optional_integer(const std::string& name) const;
  std::optional<bool> optional_boolean(const std::string& name) const;
  const Json* optional_value(const std::string& name) const;  ///< nullptr where absent or null
  std::optional<Fields> optional_object(const std::string& name) const;

  /// Declares a field known that no reader asked for.
  void allow(const std::string& name) const;

  /// InputError if the object has a field that was neither read nor allowed.
  void no_others() const;

  /// The object itself, and its name for further sentences.
  const Json& json() const { return *json_; }
  const std::string& where() const { return where_; }

  /// Throws InputError "WHERE: field 'NAME' must be EXPECTED, found VALUE".
  [[noreturn]] void refuse(const std::string& name, std::string_view expected) const;

 private:
  const Json* json_;
  std::string where_;
  mutable std::vector<std::string> known_;
};

/// What stands there, for a sentence: "3", "'hff'", "an array", "nothing".
std::string described(const Json* json);

}  // namespace ulpscope::io
