// SPDX-License-Identifier: Apache-2.0
// Command: what a command line asks for.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/verbs.hpp"

namespace ulpscope::cli {

/// Where an outcome goes, beside the terminal. "-" is standard output.
struct Outputs {
  std::optional<std::string> json;
  std::optional<std::string> markdown;
  std::optional<std::string> junit;
  std::optional<std::string> html;
  std::optional<std::string> csv;
  std::optional<std::string> product;  ///< the verb writes it itself (-o)
  bool json_to_terminal = false;       ///< list --json
  bool quiet = false;
  std::vector<std::string> inputs;  ///< files that an output must not be
};

struct Command {
  std::string help;  ///< not empty: print this and leave
  std::function<app::Outcome(const app::Progress&)> run;
  Outputs outputs;
};

/// Throws InputError: unknown verbs, options, values; one sentence.
Command parse(int argc, const char* const* argv);

}  // namespace ulpscope::cli
