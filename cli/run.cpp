// SPDX-License-Identifier: Apache-2.0
// The command: parses, calls app, prints. Exit codes: 0 1 2 3 77 70 130.
#include "cli/run.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "core/io/atomic_file.hpp"
#include "core/io/error.hpp"
#include "gpu/errors.hpp"

namespace ulpscope::cli {
namespace {

constexpr int bad_input = 2;
constexpr int internal_error = 70;
constexpr int no_device = 77;
constexpr int interrupted = 130;

/// Outputs appear whole, by rename, or not at all. Only calls that are safe in a handler.
void on_interrupt(int) {
  io::remove_temporaries();
  ::_exit(interrupted);
}

void complain(const std::string& sentence) {
  const std::string clear = ::isatty(STDERR_FILENO) == 1 ? "\r\x1b[K" : "";
  std::fprintf(stderr, "%sulpscope: %s\n", clear.c_str(), InputError(sentence).what());
}

/// What the verb has that needs less memory.
std::string out_of_memory(int argc, const char* const* argv) {
  const bool study = argc > 1 && std::string_view(argv[1]) == "study";
  return std::string("out of memory: this needs more than the machine has; ") +
         (study ? "name smaller values of the study's axes, or run --threads 1"
                : "name fewer tokens or features, or run --backend fused");
}

int execute(int argc, const char* const* argv) {
  const Command command = parse(argc, argv);
  if (!command.help.empty()) {
    std::fputs(command.help.c_str(), stdout);
    return 0;
  }
  check_outputs(command.outputs);
  const app::Progress progress = terminal_progress(command.outputs);
  const app::Outcome outcome = command.run(progress);
  if (progress) progress("");
  deliver(outcome, command.outputs);
  return outcome.exit;
}

}  // namespace

void exit_on_interrupt() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

int run(int argc, const char* const* argv) {
  try {
    return execute(argc, argv);
  } catch (const InputError& error) {
    complain(error.what());
    return bad_input;
  } catch (const std::invalid_argument& error) {  // precision's own sentences
    complain(error.what());
    return bad_input;
  } catch (const gpu::Unavailable& error) {
    complain(error.what());
    return no_device;
  } catch (const gpu::DeviceFailure& error) {
    complain(error.what());
    return internal_error;
  } catch (const std::bad_alloc&) {
    complain(out_of_memory(argc, argv));
    return bad_input;
  } catch (const std::exception& error) {
    complain(std::string("internal error: ") + error.what());
    return internal_error;
  }
}

}  // namespace ulpscope::cli
