// SPDX-License-Identifier: Apache-2.0
// JSON with the house rules.
#include "core/io/json.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "core/io/error.hpp"
#include "core/io/mapped_file.hpp"
#include "core/io/names.hpp"

namespace ulpscope::io {
namespace {

/// Watches the parser: nesting, and the keys of every object that is open.
template <class AnyJson>
class Guard {
 public:
  explicit Guard(std::string source) : source_(std::move(source)) {}

  bool operator()(int depth, typename AnyJson::parse_event_t event, AnyJson& parsed) {
    using Event = typename AnyJson::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      if (depth >= max_json_depth) {
        throw InputError(source_ + ": JSON nested deeper than " + std::to_string(max_json_depth) + " levels");
      }
    }
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::object_end) keys_.pop_back();
    if (event == Event::key && !keys_.back().insert(parsed.template get<std::string>()).second) {
      throw InputError(source_ + ": key " + in_quotes(parsed.template get<std::string>()) +
                       " appears twice in one JSON object");
    }
    return true;
  }

 private:
  std::string source_;
  std::vector<std::set<std::string>> keys_;
};

/// The library's message without its "[json.exception...]" head: "parse error at line 1, column 2: ...". What it read
/// last may be a text of any length: the end of it tells where.
std::string reason(const std::exception& error) {
  constexpr std::string_view quote = "last read: '";
  constexpr std::size_t longest = 60;
  std::string_view text = error.what();
  if (const std::size_t head = text.find("] "); head != std::string_view::npos) text.remove_prefix(head + 2);
  const std::size_t start = text.find(quote);
  if (start == std::string_view::npos || text.size() - start <= quote.size() + longest) return std::string(text);
  std::string_view end = text.substr(text.size() - longest);
  while (!end.empty() && !is_utf8(end)) end.remove_prefix(1);
  return std::string(text.substr(0, start + quote.size())) + "..." + std::string(end);
}

template <class AnyJson>
AnyJson parse_guarded(std::string_view text, std::string_view source_name) {
  const std::string source(source_name);
  // The parser takes a NUL for the end of the text and would not look at what follows.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    throw InputError(source + ": not valid JSON: a NUL byte at offset " + std::to_string(nul));
  }
  Guard<AnyJson> guard(source);
  try {
    return AnyJson::parse(text.begin(), text.end(), std::ref(guard));
  } catch (const nlohmann::json::exception& error) {
    throw InputError(source + ": not valid JSON: " + reason(error));
  }
}

}  // namespace

Json parse_json(std::string_view text, std::string_view source_name) { return parse_guarded<Json>(text, source_name); }

nlohmann::json parse_sorted_json(std::string_view text, std::string_view source_name) {
  return parse_guarded<nlohmann::json>(text, source_name);
}

Json read_json(const std::filesystem::path& path) { return parse_json(MappedFile(path).text(), shown(path)); }

std::string to_text(const Json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void write_json(const std::filesystem::path& path, const Json& json) { write_text(path, to_text(json)); }

Json number(double value) {
  if (std::isfinite(value)) return value;
  if (std::isnan(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}

double number_of(const Json& json) {
  if (json.is_number()) return json.get<double>();
  if (json == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (json == "inf") return std::numeric_limits<double>::infinity();
  if (json == "-inf") return -std::numeric_limits<double>::infinity();
  throw std::invalid_argument("expected a number, \"nan\", \"inf\" or \"-inf\"");
}

bool is_number_or_nonfinite(const Json& json) {
  return json.is_number() || json == "nan" || json == "inf" || json == "-inf";
}

std::string hex_number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::array<char, 40> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), std::abs(value), std::chars_format::hex);
  return (std::signbit(value) ? "-0x" : "0x") + std::string(digits.data(), end.ptr);
}

}  // namespace ulpscope::io
