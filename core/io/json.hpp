// SPDX-License-Identifier: Apache-2.0
// JSON with the house rules: order kept, duplicate keys refused, non-finite numbers as strings.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/io/atomic_file.hpp"

namespace ulpscope::io {

using Json = nlohmann::ordered_json;

/// Nesting that parse_json accepts.
inline constexpr int max_json_depth = 64;

/// Parses one JSON text. InputError, headed by `source_name`, for bad syntax (with line and column), bad UTF-8, a
/// duplicate key, nesting beyond max_json_depth, trailing text, bare NaN or Infinity, and numbers beyond binary64.
Json parse_json(std::string_view text, std::string_view source_name);

/// The same, with keys sorted: looking up and adding keys takes logarithmic, not linear time. For big headers.
nlohmann::json parse_sorted_json(std::string_view text, std::string_view source_name);

/// parse_json of a file's text.
Json read_json(const std::filesystem::path& path);

/// Indented by two spaces, ending in a newline; bytes that are not UTF-8 become U+FFFD.
std::string to_text(const Json& json);

/// write_text(path, to_text(json)).
void write_json(const std::filesystem::path& path, const Json& json);

/// A JSON number, or "nan", "inf", "-inf".
Json number(double value);

/// The inverse of number(). std::invalid_argument for any other JSON value.
double number_of(const Json& json);

/// Whether number_of() accepts it.
bool is_number_or_nonfinite(const Json& json);

/// C99 hexadecimal: "0x1.0c6f7a0b5ed8dp-20", "-0x0p+0", "nan", "inf", "-inf".
std::string hex_number(double value);

}  // namespace ulpscope::io
