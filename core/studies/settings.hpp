// SPDX-License-Identifier: Apache-2.0
// Edits of a study's recipes: those that an axis would overrule are refused.
#pragma once

#include <string>
#include <vector>

#include "core/studies/results.hpp"

namespace ulpscope::studies {

/// What "--set" assignments say together, as a recipe writes it. Throws InputError where one is no assignment.
io::Json settings_overlay(const std::vector<std::string>& settings);

/// Throws InputError where a setting would change nothing: the study runs no recipe that takes edits, or a value that
/// is walked decides the same field.
void refuse_lost(const std::vector<std::string>& settings, const Study& study, const Walk& walk);

}  // namespace ulpscope::studies
