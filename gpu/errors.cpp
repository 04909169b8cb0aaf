// SPDX-License-Identifier: Apache-2.0
// CUDA's error codes, sorted by what a user can do about them. The codes are part of CUDA's ABI; device.cu checks them.
#include "gpu/errors.hpp"

#include "core/io/error.hpp"
#include "gpu/error_codes.hpp"

namespace ulpscope::gpu {

Cause cause_of(int code) {
  switch (code) {
    case codes::memory_allocation:
      return Cause::out_of_memory;
    case codes::insufficient_driver:
    case codes::stub_library:
      return Cause::no_driver;
    case codes::no_device:
    case codes::devices_unavailable:
    case codes::not_permitted:
      return Cause::no_device;
    case codes::no_kernel_image:
    case codes::unsupported_ptx:
      return Cause::too_old;
    default:
      return Cause::lost;
  }
}

std::string why_not(Cause cause, std::string_view name) {
  const std::string in_brackets = name.empty() ? "" : " (" + std::string(name) + ")";
  switch (cause) {
    case Cause::no_driver:
      return "no driver for CUDA 13 is installed" + in_brackets;
    case Cause::no_device:
      return "the driver shows no device" + in_brackets;
    case Cause::too_old:
      return "the device or its driver is too old for these kernels: compute capability 8.0 and CUDA 13 are needed" +
             in_brackets;
    case Cause::out_of_memory:
      return "the device has no memory left" + in_brackets;
    case Cause::lost:
      break;
  }
  return "the device does not answer" + in_brackets;
}

void raise(const CallError& error) {
  const Cause cause = cause_of(error.code);
  if (cause == Cause::out_of_memory) {
    const std::size_t mib = (error.bytes + (std::size_t{1} << 20) - 1) >> 20;
    throw InputError("backend cuda: the problem is too large: the device has no " + std::to_string(mib) +
                     " MiB left; a smaller batch or seq, or backend traced or fused, takes less");
  }
  if (cause != Cause::lost) throw Unavailable("backend cuda: " + why_not(cause, error.name));
  throw DeviceFailure("backend cuda: the device failed " + std::string(error.doing) + ": " + std::string(error.about) +
                      " (" + std::string(error.name) + "); no output was written");
}

}  // namespace ulpscope::gpu
