// SPDX-License-Identifier: Apache-2.0
// Typed reading of JSON objects.
#include "core/io/fields.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/io/error.hpp"
#include "core/io/names.hpp"

namespace ulpscope::io {
namespace {

constexpr double two_to_63 = 0x1p63;

/// A JSON integer, or a float that is one (4096.0), within int64.
std::optional<std::int64_t> whole(const Json& json) {
  if (json.is_number_unsigned()) {
    const auto value = json.get<std::uint64_t>();
    return value <= INT64_MAX ? std::optional(static_cast<std::int64_t>(value)) : std::nullopt;
  }
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (!json.is_number_float()) return std::nullopt;
  const double value = json.get<double>();
  if (value != std::floor(value) || value < -two_to_63 || value >= two_to_63) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

}  // namespace

std::string described(const Json* json) {
  if (json == nullptr) return "nothing";
  if (json->is_string()) return in_quotes(json->get_ref<const std::string&>());
  if (json->is_array()) return json->empty() ? "an empty array" : "an array";
  if (json->is_object()) return "an object";
  return json->dump();
}

Fields::Fields(const Json& json, std::string where) : json_(&json), where_(std::move(where)) {
  if (!json.is_object()) throw InputError(where_ + ": expected a JSON object, found " + described(&json));
}

void Fields::refuse(const std::string& name, std::string_view expected) const {
  const auto found = json_->find(name);
  const std::string what = described(found == json_->end() ? nullptr : &*found);
  throw InputError(where_ + ": field " + in_quotes(name) + " must be " + std::string(expected) + ", found " + what);
}

void Fields::allow(const std::string& name) const {
  if (std::find(known_.begin(), known_.end(), name) == known_.end()) known_.push_back(name);
}

const Json* Fields::optional_value(const std::string& name) const {
  allow(name);
  const auto found = json_->find(name);
  return found == json_->end() || found->is_null() ? nullptr : &*found;
}

bool Fields::has(const std::string& name) const { return optional_value(name) != nullptr; }

const Json& Fields::value(const std::string& name) const {
  const Json* found = optional_value(name);
  if (found == nullptr) refuse(name, "given");
  return *found;
}

std::optional<std::string> Fields::optional_string(const std::string& name) const {
  const Json* found = optional_value(name);
  if (found == nullptr) return std::nullopt;
  if (!found->is_string()) refuse(name, "a string");
  return found->get<std::string>();
}

std::optional<double> Fields::optional_number(const std::string& name) const {
  const Json* found = optional_value(name);
  if (found == nullptr) return std::nullopt;
  if (!is_number_or_nonfinite(*found)) refuse(name, "a number (or \"nan\", \"inf\", \"-inf\")");
  return number_of(*found);
}

std::optional<std::int64_t> Fields::optional_integer(const std::string& name) const {
  const Json* found = optional_value(name);
  if (found == nullptr) return std::nullopt;
  const std::optional<std::int64_t> value = whole(*found);
  if (!value) refuse(name, "a whole number");
  return value;
}

std::optional<std::size_t> Fields::optional_size(const std::string& name) const {
  const Json* found = optional_value(name);
  if (found == nullptr) return std::nullopt;
  const std::optional<std::int64_t> value = whole(*found);
  if (!value || *value < 0) refuse(name, "a whole number >= 0");
  return static_cast<std::size_t>(*value);
}

std::optional<bool> Fields::optional_boolean(const std::string& name) const {
  const Json* found = optional_value(name);
  if (found == nullptr) return std::nullopt;
  if (!found->is_boolean()) refuse(name, "true or false");
  return found->get<bool>();
}

std::optional<Fields> Fields::optional_object(const std::string& name) const {
  const Json* found = optional_value(name);
  if (found == nullptr) return std::nullopt;
  if (!found->is_object()) refuse(name, "an object");
  return Fields(*found, where_ + "." + name);
}

std::string Fields::string(const std::string& name) const {
  const auto found = optional_string(name);
  if (!found) refuse(name, "a string");
  return *found;
}

double Fields::number(const std::string& name) const {
  const auto found = optional_number(name);
  if (!found) refuse(name, "a number (or \"nan\", \"inf\", \"-inf\")");
  return *found;
}

std::int64_t Fields::integer(const std::string& name) const {
  const auto found = optional_integer(name);
  if (!found) refuse(name, "a whole number");
  return *found;
}

std::size_t Fields::size(const std::string& name) const {
  const auto found = optional_size(name);
  if (!found) refuse(name, "a whole number >= 0");
  return *found;
}

bool Fields::boolean(const std::string& name) const {
  const auto found = optional_boolean(name);
  if (!found) refuse(name, "true or false");
  return *found;
}

Fields Fields::object(const std::string& name) const {
  auto found = optional_object(name);
  if (!found) refuse(name, "an object");
  return *std::move(found);
}

const Json& Fields::array(const std::string& name) const {
  const Json& found = value(name);
  if (!found.is_array()) refuse(name, "an array");
  return found;
}

std::vector<std::string> Fields::strings(const std::string& name) const {
  std::vector<std::string> out;
  for (const Json& element : array(name)) {
    if (!element.is_string()) refuse(name, "an array of strings");
    out.push_back(element.get<std::string>());
  }
  return out;
}

std::string Fields::choice(const std::string& name, const std::vector<std::string>& known) const {
  const std::string found = string(name);
  if (std::find(known.begin(), known.end(), found) == known.end()) {
    throw InputError(where_ + ": " + unknown_name(name, found, known));
  }
  return found;
}

void Fields::no_others() const {
  for (const auto& [name, value] : json_->items()) {
    if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
      throw InputError(where_ + ": " + unknown_name("field", name, known_));
    }
  }
}

}  // namespace ulpscope::io
