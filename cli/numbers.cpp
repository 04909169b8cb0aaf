// SPDX-License-Identifier: Apache-2.0
// from_chars takes no sign and no space for unsigned numbers, which is what we want.
#include "cli/numbers.hpp"

#include <charconv>
#include <cmath>

#include "core/io/error.hpp"
#include "core/io/names.hpp"

namespace ulpscope::cli {
namespace {

template <class Number>
bool parses(const std::string& text, Number& value) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

[[noreturn]] void refuse(const std::string& option, const std::string& text, const char* expected) {
  throw InputError(option + ": " + io::in_quotes(text) + " is not " + expected);
}

}  // namespace

std::size_t whole_number(const std::string& option, const std::string& text) {
  std::size_t value = 0;
  if (!parses(text, value)) refuse(option, text, "a whole number >= 0");
  return value;
}

std::size_t positive_number(const std::string& option, const std::string& text) {
  std::size_t value = 0;
  if (!parses(text, value) || value == 0) refuse(option, text, "a whole number >= 1");
  return value;
}

double real_number(const std::string& option, const std::string& text) {
  double value = 0;
  if (!parses(text, value) || !std::isfinite(value) || value < 0) refuse(option, text, "a finite number >= 0");
  return value;
}

std::vector<std::size_t> number_list(const std::string& option, const std::string& text) {
  std::vector<std::size_t> numbers;
  for (std::size_t first = 0; first <= text.size();) {
    const std::size_t comma = std::min(text.find(',', first), text.size());
    numbers.push_back(positive_number(option, text.substr(first, comma - first)));
    first = comma + 1;
  }
  return numbers;
}

}  // namespace ulpscope::cli
