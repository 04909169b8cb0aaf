// SPDX-License-Identifier: Apache-2.0
// The table of diagnoses, and the words and tests that its rows share.
#include "core/judge/diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/compressor/run.hpp"
#include "core/io/error.hpp"
#include "core/judge/dump.hpp"
#include "core/judge/slot_judge.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Tensor;

constexpr std::array<Diagnosis, 15> table{{
    {"pads", "all failing elements are slots without a token, and hold one value", explain_pads},
    {"nonfinite", "NaN or infinity enters", explain_nonfinite},
    {"no_gradient", "a gradient is zero everywhere", explain_no_gradient},
    {"identity", "the slot holds what its stage reads: the stage did nothing", explain_identity},
    {"halves", "the overlap's halves or their order are exchanged", explain_halves},
    {"window_shift", "values belong to a neighbouring window", explain_window_shift},
    {"rope", "the rotation fits other positions, frequencies, or another pairing", explain_rope},
    {"input_rounding", "an input was rounded to a coarser format", explain_input_rounding},
    {"input_change", "an input was left out, or its rows are shifted", explain_input_change},
    {"pad_values", "another pad value explains it, further down", explain_pad_values},
    {"coarse_storage", "the slot was rounded to a coarser format", explain_coarse_storage},
    {"factor", "the slot is a constant multiple of what it should be", explain_factor},
    {"other_choice", "another algorithm of the stage explains it: rsqrt, exp, division, VJP", explain_other_choice},
    {"known_bug", "a known bug of ports, planted upstream, gives these values: list mutants", explain_known_bug},
    {"pattern", "none of the above: where it differs, and by how much", describe_pattern},
}};

}  // namespace

std::span<const Diagnosis> diagnoses() { return table; }

Finding diagnose(const Case& unexplained) {
  for (const Diagnosis& diagnosis : table) {
    if (auto sentence = diagnosis.explain(unexplained)) return {diagnosis.name, *std::move(sentence)};
  }
  return {"none", unexplained.slot_name() + " differs"};
}

Alternative changed(const Case& unexplained, std::vector<double> values) {
  return {Tensor{unexplained.found.shape, std::move(values), io::DType::f64}, unexplained.expected.freedom};
}

namespace {

bool agrees(const Case& unexplained, const Alternative& alternative, std::size_t i) {
  return passes(unexplained.found.at(i), alternative.value.at(i), alternative.freedom[i], unexplained.ruler);
}

/// How many of the failing elements an alternative of the slot's size agrees with.
std::size_t count_healed(const Case& unexplained, const Alternative& alternative) {
  const auto& failing = unexplained.failing;
  return static_cast<std::size_t>(std::count_if(failing.begin(), failing.end(),
                                                [&](std::size_t i) { return agrees(unexplained, alternative, i); }));
}

}  // namespace

bool explains(const Case& unexplained, const Alternative& alternative) {
  if (alternative.value.size() != unexplained.found.size()) return false;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < unexplained.found.size(); ++i) wrong += !agrees(unexplained, alternative, i);
  return wrong * 1000 <= unexplained.found.size() &&
         count_healed(unexplained, alternative) * 100 >= unexplained.failing.size() * 99;
}

namespace {

/// The sum of squared distances of the failing elements; infinite where classes differ.
double square_error(const Case& unexplained, const Tensor& value) {
  double sum = 0;
  for (const std::size_t i : unexplained.failing) {
    const double found = unexplained.found.at(i);
    if (!std::isfinite(found) && same_class(found, value.at(i))) continue;
    const double difference = found - value.at(i);
    sum += std::isfinite(difference) ? difference * difference : std::numeric_limits<double>::infinity();
  }
  return sum;
}

/// Whether a guess is worth finding its own freedom, which takes many runs: with the expected value's it explains half
/// of what fails, or it is eight times nearer.
bool comes_near(const Case& unexplained, const Alternative& guess) {
  return 2 * count_healed(unexplained, guess) >= unexplained.failing.size() ||
         64 * square_error(unexplained, guess.value) < square_error(unexplained, unexplained.expected.value);
}

/// Nothing where the engine refuses: that is no explanation.
std::optional<Alternative> attempt(const Case& unexplained, const compressor::Problem& problem,
                                   const compressor::Recipe& recipe, const compressor::Tape& given) {
  try {
    const Replayer replayer(problem, recipe, given, unexplained.threads);
    if (!replayer.graph().computes(unexplained.slot)) return std::nullopt;
    Alternative guess{cropped(replayer.value(unexplained.slot), unexplained.found.shape), unexplained.expected.freedom};
    if (guess.value.size() != unexplained.found.size()) return std::nullopt;
    if (!comes_near(unexplained, guess)) return guess;
    Replayed replayed = replayer.replay(unexplained.slot);
    crop(replayed, unexplained.found.shape);
    return Alternative{std::move(replayed.value), std::move(replayed.freedom)};
  } catch (const InputError&) {
    return std::nullopt;
  }
}

std::size_t distinct(std::vector<std::size_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return static_cast<std::size_t>(std::unique(numbers.begin(), numbers.end()) - numbers.begin());
}

}  // namespace

std::optional<Alternative> replay_with(const Case& unexplained, const compressor::Problem& problem,
                                       const compressor::Tape& given) {
  return attempt(unexplained, problem, unexplained.recipe, given);
}

std::optional<Alternative> replay_with(const Case& unexplained, const compressor::Recipe& recipe) {
  return attempt(unexplained, unexplained.problem, recipe, unexplained.given);
}

std::string ranges(std::vector<std::size_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  std::string text;
  std::size_t parts = 0;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t j = i;
    while (j + 1 < numbers.size() && numbers[j + 1] == numbers[j] + 1) ++j;
    if (++parts > 4) return text + " ...";
    text += text.empty() ? "" : " ";
    text += i == j ? fmt::format("{}", numbers[i]) : fmt::format("{}..{}", numbers[i], numbers[j]);
    i = j + 1;
  }
  return text;
}

std::string numbered(const char* what, const std::vector<std::size_t>& numbers) {
  return fmt::format("{}{} {}", what, distinct(numbers) == 1 ? "" : "s", ranges(numbers));
}

std::string windows_of(const Case& unexplained) {
  const Layout& layout = unexplained.layout;
  if (layout.windows == 0) return "";
  std::vector<std::size_t> windows;
  std::vector<std::size_t> batches;
  for (const std::size_t i : unexplained.failing) {
    windows.push_back(place_of(i, layout).window);
    batches.push_back(place_of(i, layout).batch);
  }
  const std::string batch = distinct(batches) == layout.windows / layout.windows_per_batch
                                ? ""
                                : fmt::format(" of {}", numbered("batch row", batches));
  if (distinct(windows) == layout.windows_per_batch && layout.windows_per_batch > 1)
    return fmt::format("all {} windows{}", layout.windows_per_batch, batch);
  return numbered("window", windows) + batch;
}

std::string rows_of(const Case& unexplained) {
  const Layout& layout = unexplained.layout;
  if (layout.rows_per_window <= 1) return "";
  std::vector<std::size_t> rows;
  for (const std::size_t i : unexplained.failing) rows.push_back(place_of(i, layout).slot_index);
  return numbered("slot", rows);
}

std::string value_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+inf" : "-inf";
  return fmt::format("{:.9g}", value);
}

}  // namespace ulpscope::judge
