// SPDX-License-Identifier: Apache-2.0
// Diagnoses: what is wrong with a slot that a recipe does not explain, as far as its bits can tell.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/tape.hpp"
#include "core/judge/layout.hpp"
#include "core/judge/replay.hpp"
#include "core/judge/ruler.hpp"

namespace ulpscope::judge {

/// A slot that its recipe does not explain: everything a diagnosis may look at, and nothing about the file.
struct Case {
  const compressor::Problem& problem;  ///< judged
  const compressor::Recipe& recipe;
  const compressor::Tape& given;  ///< the dump's slots
  const Replayer& replayer;
  compressor::Slot slot;
  const compressor::Tensor& found;
  const Replayed& expected;                 ///< of the same shape as `found`
  const std::vector<std::size_t>& failing;  ///< flat indices, rising
  Layout layout;
  Ruler ruler;
  unsigned threads;

  const compressor::Config& config() const { return replayer.plan().config(); }
  std::string slot_name() const { return compressor::to_string(slot); }
};

/// A row of the table: a name, what it finds, and a function that computes an alternative and says a sentence (without
/// the full stop) where the failing elements, and the others too, agree with it.
struct Diagnosis {
  std::string_view name;
  std::string_view about;
  std::optional<std::string> (*explain)(const Case&);
};
/// In the order in which they are tried: the narrowest first. The last one always speaks.
std::span<const Diagnosis> diagnoses();

struct Finding {
  std::string_view diagnosis;
  std::string sentence;
};
Finding diagnose(const Case& unexplained);

// What diagnoses are made of.

/// What the slot would hold if something were wrong in one particular way, and the freedom that sums leave there.
struct Alternative {
  compressor::Tensor value;
  std::vector<double> freedom;
};
/// The expected value changed elementwise keeps the expected freedom.
Alternative changed(const Case& unexplained, std::vector<double> values);

/// Whether an alternative explains the slot: of its elements, at most 1 in 1000 may differ by more than 1 ulp +
/// freedom, and no fewer than 99 of 100 failing ones are explained.
bool explains(const Case& unexplained, const Alternative& alternative);
/// The slot when the recipe runs on another problem, or from other slots; nothing where it cannot be computed.
std::optional<Alternative> replay_with(const Case& unexplained, const compressor::Problem& problem,
                                       const compressor::Tape& given);
std::optional<Alternative> replay_with(const Case& unexplained, const compressor::Recipe& recipe);
/// "window 0", "windows 0..3", "all 9 windows of batch row 1": where the failing elements lie; batch rows where not
/// all.
std::string windows_of(const Case& unexplained);
/// "slots 0..3", "slot 2"; empty where the slot has no rows within its window.
std::string rows_of(const Case& unexplained);
/// "0..3", "1", "0 2 5".
std::string ranges(std::vector<std::size_t> numbers);
/// "window 3", "windows 0..3": the word has an s where there are several different numbers.
std::string numbered(const char* what, const std::vector<std::size_t>& numbers);
/// "0", "-inf", "0.125": as few digits as tell it.
std::string value_text(double value);

// The rows' functions, by topic.
std::optional<std::string> explain_pads(const Case& unexplained);
std::optional<std::string> explain_pad_values(const Case& unexplained);
std::optional<std::string> explain_nonfinite(const Case& unexplained);
std::optional<std::string> explain_halves(const Case& unexplained);
std::optional<std::string> explain_window_shift(const Case& unexplained);
std::optional<std::string> explain_rope(const Case& unexplained);
std::optional<std::string> explain_input_rounding(const Case& unexplained);
std::optional<std::string> explain_input_change(const Case& unexplained);
std::optional<std::string> explain_no_gradient(const Case& unexplained);
std::optional<std::string> explain_identity(const Case& unexplained);
std::optional<std::string> explain_coarse_storage(const Case& unexplained);
std::optional<std::string> explain_factor(const Case& unexplained);
std::optional<std::string> explain_other_choice(const Case& unexplained);
std::optional<std::string> explain_known_bug(const Case& unexplained);
std::optional<std::string> describe_pattern(const Case& unexplained);

}  // namespace ulpscope::judge
