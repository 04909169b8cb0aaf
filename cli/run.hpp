// SPDX-License-Identifier: Apache-2.0
// Run: the whole command as one call, for the program and for `python -m ulpscope`.
#pragma once

namespace ulpscope::cli {

/// From now on SIGINT and SIGTERM remove half-written files and end the process with exit code 130.
void exit_on_interrupt();

/// argv[0] is the program's name. Prints to standard output and standard error and returns the exit code; no exception
/// leaves it.
int run(int argc, const char* const* argv);

}  // namespace ulpscope::cli
