// SPDX-License-Identifier: Apache-2.0
// The words that recipes use for the choices of an implementation: one table per enumeration.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/compressor/algorithms.hpp"
#include "core/compressor/recipe.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"

namespace ulpscope::compressor {

/// One word of a recipe, what it stands for, and a line for `list`.
template <class Enum>
struct Choice {
  std::string_view name;
  Enum value;
  std::string_view about;
};

/// The table of an enumeration, in the order of the contract. Defined for Stage, Pipeline, Remainder, MaskPolicy,
/// SegmentPolicy, Softmax, SoftmaxVjp, NormVjp, MaxGradient, Division, Rsqrt, Saved, ScaleRule, Ties, Butterfly.
template <class Enum>
std::span<const Choice<Enum>> choices();

template <>
std::span<const Choice<Stage>> choices();
template <>
std::span<const Choice<Pipeline>> choices();
template <>
std::span<const Choice<Remainder>> choices();
template <>
std::span<const Choice<MaskPolicy>> choices();
template <>
std::span<const Choice<SegmentPolicy>> choices();
template <>
std::span<const Choice<Softmax>> choices();
template <>
std::span<const Choice<SoftmaxVjp>> choices();
template <>
std::span<const Choice<NormVjp>> choices();
template <>
std::span<const Choice<MaxGradient>> choices();
template <>
std::span<const Choice<Division>> choices();
template <>
std::span<const Choice<Rsqrt>> choices();
template <>
std::span<const Choice<Saved>> choices();
template <>
std::span<const Choice<ScaleRule>> choices();
template <>
std::span<const Choice<Ties>> choices();
template <>
std::span<const Choice<Butterfly>> choices();

template <class Enum>
std::vector<std::string> choice_names() {
  std::vector<std::string> names;
  for (const Choice<Enum>& choice : choices<Enum>()) names.emplace_back(choice.name);
  return names;
}

/// Throws InputError "WHERE: unknown WHAT 'NAME'; known: ...".
template <class Enum>
Enum parse_choice(std::string_view name, std::string_view what, const std::string& where) {
  const auto table = choices<Enum>();
  const auto found = std::find_if(table.begin(), table.end(), [&](const auto& choice) { return choice.name == name; });
  if (found != table.end()) return found->value;
  const std::string sentence = io::unknown_name(what, name, choice_names<Enum>());
  throw InputError(where.empty() ? sentence : where + ": " + sentence);
}

/// The word of a value.
template <class Enum>
std::string_view choice_name(Enum value) {
  const auto table = choices<Enum>();
  return std::find_if(table.begin(), table.end(), [&](const auto& choice) { return choice.value == value; })->name;
}

}  // namespace ulpscope::compressor
