// SPDX-License-Identifier: Apache-2.0
// The program `ulpscope`.
#include "cli/run.hpp"

int main(int argc, char** argv) {
  ulpscope::cli::exit_on_interrupt();
  return ulpscope::cli::run(argc, argv);
}
