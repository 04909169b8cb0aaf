// SPDX-License-Identifier: Apache-2.0
// The command: parses, calls app, prints. Exit codes: 0 1 2 3 77 70 130.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "core/io/atomic_file.hpp"
#include "core/io/error.hpp"
#include "gpu/errors.hpp"

namespace {

constexpr int bad_input = 2;
constexpr int internal_error = 70;
constexpr int no_device = 77;
constexpr int interrupted = 130;

/// Outputs appear whole, by rename, or not at all. Only calls that are safe in a handler.
void on_interrupt(int) {
  ulpscope::io::remove_temporaries();
  ::_exit(interrupted);
}

void complain(const std::string& sentence) {
  const std::string clear = ::isatty(STDERR_FILENO) == 1 ? "\r\x1b[K" : "";
  std::fprintf(stderr, "%sulpscope: %s\n", clear.c_str(), ulpscope::InputError(sentence).what());
}

int execute(int argc, const char* const* argv) {
  using namespace ulpscope;
  const cli::Command command = cli::parse(argc, argv);
  if (!command.help.empty()) {
    std::fputs(command.help.c_str(), stdout);
    return 0;
  }
  cli::check_outputs(command.outputs);
  const app::Progress progress = cli::terminal_progress(command.outputs);
  const app::Outcome outcome = command.run(progress);
  if (progress) progress("");
  cli::deliver(outcome, command.outputs);
  return outcome.exit;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  try {
    return execute(argc, argv);
  } catch (const ulpscope::InputError& error) {
    complain(error.what());
    return bad_input;
  } catch (const std::invalid_argument& error) {  // precision's own sentences
    complain(error.what());
    return bad_input;
  } catch (const ulpscope::gpu::Unavailable& error) {
    complain(error.what());
    return no_device;
  } catch (const ulpscope::gpu::DeviceFailure& error) {
    complain(error.what());
    return internal_error;
  } catch (const std::exception& error) {
    complain(std::string("internal error: ") + error.what());
    return internal_error;
  }
}
