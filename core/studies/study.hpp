// SPDX-License-Identifier: Apache-2.0
// Study: a question, the axes that it varies, what it measures at each point, and what follows.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/tape.hpp"
#include "core/io/json.hpp"
#include "core/studies/memo.hpp"

namespace ulpscope::studies {

/// What a study varies. A value is its word on the command line: "-1e4", "bf16", "shifted".
struct Axis {
  std::string name;  ///< "pad_gate"; the option is --pad-gate
  std::string about;
  std::vector<std::string> small;  ///< walked by default: the whole study takes a few seconds
  std::vector<std::string> full;   ///< walked by --full
  /// Throws InputError or std::invalid_argument where a word is no value of the axis. Null: `full` holds all that
  /// exist.
  void (*check)(const std::string& word) = nullptr;
  bool of_inputs = false;  ///< how the built-in inputs are made: a given problem has the one value "given" here
  /// What a value sets in the recipe, as a recipe writes it: there an edit of the user's would be lost. Null: nothing.
  io::Json (*sets)(const std::string& word) = nullptr;
};

/// A column of the results.
struct Measure {
  std::string name;
  std::string about;    ///< with its unit
  bool detail = false;  ///< in JSON and CSV, not in tables
};

/// One value on each axis.
class Point {
 public:
  /// (axis, value), in the order of the study's axes.
  explicit Point(std::vector<std::pair<std::string, std::string>> values) : values_(std::move(values)) {}

  /// std::logic_error where the study has no such axis.
  const std::string& at(std::string_view axis) const;
  double number(std::string_view axis) const;      ///< of an axis whose `check` is number_word; "-inf" is one
  std::size_t count(std::string_view axis) const;  ///< of an axis whose `check` is count_word
  const std::vector<std::pair<std::string, std::string>>& values() const { return values_; }
  /// {"axis": "value", ...}
  io::Json json() const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

/// What a study is asked about.
struct Subject {
  const compressor::Problem* problem = nullptr;  ///< null: the study makes its own inputs
  const compressor::Tape* truth = nullptr;  ///< every slot and gradient of `problem` by recipe fp64; null without one
  std::uint64_t seed = 0;                   ///< of what is drawn
  /// A recipe by its name or path, with the edits of the command line.
  std::function<compressor::Recipe(const std::string&)> recipe = &compressor::load_recipe;
  std::shared_ptr<Memo> memo = std::make_shared<Memo>();  ///< of one walk: of one problem and one `recipe`
};

/// A point and what was measured there: numbers (io::number) and words, by the names of the study's measures. A point
/// that does not exist (the format has no such value) holds only {"skipped": why}.
struct Cell {
  Point at;
  io::Json measures;

  bool skipped() const { return measures.contains("skipped"); }
  double number(const char* measure) const { return io::number_of(measures.at(measure)); }
  std::string word(const char* measure) const { return measures.at(measure).get<std::string>(); }
};

struct Study {
  std::string name;
  std::string question;
  std::vector<Axis> axes;
  std::vector<Measure> measures;
  bool random = false;  ///< the seed matters: measured again for each, means with intervals
  /// Called on several threads at once; the result depends on nothing but the arguments.
  io::Json (*measure)(const Point&, const Subject&) = nullptr;
  /// One or two sentences with the numbers that they rest on. Cells that were left out are simply not there.
  std::vector<std::string> (*conclude)(std::span<const Cell>) = nullptr;
  bool edited = true;  ///< its recipes take the edits of the command line; false: it runs none
};

/// THE list: a new study is a file here and one entry of it.
std::span<const Study> all_studies();
/// Throws InputError with the known names.
const Study& study_named(const std::string& name);

// Checks for Axis::check: throw where the word is no such thing.
void number_word(const std::string& word);
void count_word(const std::string& word);
void format_word(const std::string& word);
void summation_word(const std::string& word);
void recipe_word(const std::string& word);
void pad_word(const std::string& word);  ///< of a gate

}  // namespace ulpscope::studies
