// SPDX-License-Identifier: Apache-2.0
// save_case: what fails, as files that anybody can run. Internal to app.
#pragma once

#include <optional>
#include <string>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/judge/dump.hpp"
#include "core/judge/report.hpp"

namespace ulpscope::app {

/// A comparison that was made, on its judged problem.
struct Compared {
  const compressor::Problem& problem;
  const judge::Dump& dump;
  const std::optional<compressor::Recipe>& recipe;
  const std::optional<judge::Verdict>& verdict;
};

/// Writes STEM.problem.safetensors, STEM.dump.safetensors, STEM.sh (the command line) and, for a recipe that is not
/// built in, STEM.recipe.json: the failing window, or the whole where a window does not fail alone. The sentence that
/// says which; nothing is written where nothing fails. Throws InputError: no recipe to compare by, a file that cannot
/// be written, `recipe` absent.
std::string save_case(const std::string& stem, const Compared& compared);

}  // namespace ulpscope::app
