// SPDX-License-Identifier: Apache-2.0
// ulpscope-gpu-check: the bit law of backend cuda over golden and drawn problems, as one JSON. Exit codes: 0 1 2 77 70.
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/io/error.hpp"
#include "gpu/errors.hpp"
#include "tests/gpu_check/check.hpp"

namespace {

constexpr const char* help =
    "ulpscope-gpu-check [--rehearse] [--problems N] [--seed N]\n"
    "\n"
    "Runs golden and N drawn problems (50) on the device and on the host, and compares every slot bit by bit.\n"
    "On a device it also runs every float through expf and __expf, beside our models of them.\n"
    "Prints one JSON: device, compute_capability, driver, exponentials, problems, slots, elements, first_difference,\n"
    "seconds.\n"
    "--rehearse runs the device's kernels on the host instead: no device is needed.\n"
    "Exit codes: 0 same bits and exponentials as modelled, 1 a difference, 2 usage or too little memory, 77 no device, "
    "70 the device failed.\n"
    "\n"
    "Example: ulpscope-gpu-check > gpu.json\n";

unsigned long number(const std::string& option, const std::string& text) {
  std::size_t used = 0;
  unsigned long value = 0;
  try {
    value = std::stoul(text, &used);
  } catch (const std::logic_error&) {  // not a number, or too large
  }
  if (used != text.size() || text.empty() || text.front() == '-') {
    throw ulpscope::InputError(option + ": '" + text + "' is not a number");
  }
  return value;
}

ulpscope::gpu_check::Options parse(const std::vector<std::string>& arguments) {
  ulpscope::gpu_check::Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& option = arguments[i];
    const std::string value = i + 1 < arguments.size() ? arguments[i + 1] : "";
    if (option == "--rehearse") {
      options.where = ulpscope::gpu_check::Where::rehearsal;
    } else if (option == "--problems") {
      options.drawn = number(option, value), ++i;
    } else if (option == "--seed") {
      options.seed = number(option, value), ++i;
    } else {
      throw ulpscope::InputError("unknown option '" + option + "'; known: --help --problems --rehearse --seed");
    }
  }
  return options;
}

int fail(const char* sentence, int code) {
  std::fprintf(stderr, "ulpscope-gpu-check: %s\n", sentence);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    if (!arguments.empty() && (arguments.front() == "--help" || arguments.front() == "-h")) {
      return std::fputs(help, stdout) < 0 ? 70 : 0;
    }
    const ulpscope::gpu_check::Answer answer = ulpscope::gpu_check::check(parse(arguments));
    std::printf("%s\n", answer.json.c_str());
    return answer.exit;
  } catch (const ulpscope::InputError& error) {
    return fail(error.what(), 2);
  } catch (const ulpscope::gpu::Unavailable& error) {
    return fail(error.what(), 77);
  } catch (const std::exception& error) {
    return fail(error.what(), 70);
  }
}
