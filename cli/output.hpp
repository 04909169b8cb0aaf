// SPDX-License-Identifier: Apache-2.0
// Output: an outcome to files and to the terminal.
#pragma once

#include "cli/command.hpp"

namespace ulpscope::cli {

/// Before the work: outputs lie in directories that exist and can be written to, differ from each other and from the
/// inputs, and at most one is standard output. Throws InputError.
void check_outputs(const Outputs& outputs);

/// Writes files, then the terminal text (none under `quiet`, or where a file is standard output).
void deliver(const app::Outcome& outcome, const Outputs& outputs);

/// Prints on standard error while it is a terminal, else does nothing.
app::Progress terminal_progress(const Outputs& outputs);

}  // namespace ulpscope::cli
