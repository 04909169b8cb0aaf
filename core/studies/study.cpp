// SPDX-License-Identifier: Apache-2.0
// Points, and the words that axes take.
#include "core/studies/study.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "core/compressor/pad_names.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "precision/format.hpp"
#include "precision/summation_spec.hpp"

namespace ulpscope::studies {
namespace {

template <class Number>
Number parsed(const std::string& word, const char* what) {
  Number value{};
  const char* end = word.data() + word.size();
  const auto result = std::from_chars(word.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end || word.empty()) {
    throw InputError(io::in_quotes(word) + " is not " + what);
  }
  return value;
}

double number_of_word(const std::string& word) {
  const auto value = parsed<double>(word, "a number");
  if (std::isnan(value)) throw InputError(io::in_quotes(word) + " is not a number that orders");
  return value;
}

std::size_t count_of_word(const std::string& word) {
  const auto value = parsed<std::size_t>(word, "a whole number");
  if (value == 0) throw InputError("'0' is not a count: at least 1");
  return value;
}

}  // namespace

const std::string& Point::at(std::string_view axis) const {
  const auto found =
      std::find_if(values_.begin(), values_.end(), [&](const auto& value) { return value.first == axis; });
  if (found == values_.end()) throw std::logic_error("a study has no axis " + std::string(axis));
  return found->second;
}

double Point::number(std::string_view axis) const { return number_of_word(at(axis)); }
std::size_t Point::count(std::string_view axis) const { return count_of_word(at(axis)); }

io::Json Point::json() const {
  io::Json json = io::Json::object();
  for (const auto& [axis, value] : values_) json[axis] = value;
  return json;
}

const Study& study_named(const std::string& name) {
  std::vector<std::string> known;
  for (const Study& study : all_studies()) {
    if (study.name == name) return study;
    known.push_back(study.name);
  }
  throw InputError(io::unknown_name("study", name, known));
}

void number_word(const std::string& word) { number_of_word(word); }
void count_word(const std::string& word) { count_of_word(word); }
void format_word(const std::string& word) { precision::parse_format(word); }
void summation_word(const std::string& word) { precision::parse_summation(word); }
void recipe_word(const std::string& word) { compressor::load_recipe(word); }
void pad_word(const std::string& word) {
  if (compressor::find_pad(word) == nullptr) number_word(word);
}

}  // namespace ulpscope::studies
