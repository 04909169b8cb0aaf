// SPDX-License-Identifier: Apache-2.0
// Ways to a NaN: small problems, and settings, that go there. Internal to core/studies.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/compressor/problem.hpp"

namespace ulpscope::studies {

struct NanCase {
  std::string_view name;
  std::string_view about;
  double gate = 0;                                ///< around which the gates lie, with a spread of 1
  double kv = 1;                                  ///< spread of the values
  void (*shape)(compressor::Problem&) = nullptr;  ///< changes the inputs; null: nothing else
  std::vector<std::string_view> settings = {};    ///< of the recipe
  std::string_view preset = {};                   ///< the inputs are this preset's instead
};

/// THE table.
std::span<const NanCase> nan_cases();
std::vector<std::string> nan_case_names();
/// Three overlapping windows of 4 tokens, 8 channels: gates and values as the case says, drawn from `seed`.
compressor::Problem problem_of(const NanCase& one, std::uint64_t seed);
/// std::logic_error where there is none.
const NanCase& nan_case(std::string_view name);

}  // namespace ulpscope::studies
