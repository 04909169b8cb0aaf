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
/// The same with a signal sent after `milliseconds`.
Ran interrupt_command(const std::vector<std::string>& arguments, int signal, unsigned milliseconds);
/// The same with standard output in a file of the caller's (a device, say); `out` stays empty.
Ran run_command_into(const std::string& out, const std::vector<std::string>& arguments);

/// Bad input: exit code 2, nothing on standard output, a sentence that tells so.
void check_refused(const std::vector<std::string>& arguments, const std::string& tells);

/// A file of tests/golden.
std::string golden(const std::string& name);

}  // namespace ulpscope::test
