// SPDX-License-Identifier: Apache-2.0
// What goes wrong on a device, as one sentence and an exit code each.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace ulpscope::gpu {

/// No device that could run this; the command exits with 77.
class Unavailable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The device was there and failed; the command exits with 70. Nothing has been written.
class DeviceFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A CUDA call that did not succeed.
struct CallError {
  int code = 0;            ///< cudaError_t
  std::string_view name;   ///< "cudaErrorMemoryAllocation"
  std::string_view about;  ///< CUDA's own words
  std::string_view doing;  ///< what we wanted: "to start a kernel"
  std::size_t bytes = 0;   ///< asked for, where memory was
};

enum class Cause : unsigned char { no_driver, no_device, too_old, out_of_memory, lost };

/// Throws InputError where memory ran out (the problem is too large: exit 2), Unavailable where there is no device, or
/// none that can run our kernels, DeviceFailure in all other cases.
[[noreturn]] void raise(const CallError& error);

Cause cause_of(int code);
/// Why no device can be used: one sentence without an end.
std::string why_not(Cause cause, std::string_view name);

}  // namespace ulpscope::gpu
