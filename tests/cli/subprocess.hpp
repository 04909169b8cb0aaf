// SPDX-License-Identifier: Apache-2.0
// Runs the command as a user would: arguments in; exit code, standard output and standard error out.
#pragma once

#include <string>
#include <vector>

namespace ulpscope::test {

struct Ran {
  int exit = 0;
  std::string out;
  std::string err;
};

/// `arguments` follow the command's name. Standard input is empty; no stream is a terminal.
Ran run_command(const std::vector<std::string>& arguments);

}  // namespace ulpscope::test
