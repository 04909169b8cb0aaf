// SPDX-License-Identifier: Apache-2.0
// What CUDA says about devices, if it is there at all.
#include "gpu/device.hpp"

#include "gpu/errors.hpp"

#if defined(ULPSCOPE_HAVE_CUDA)
#include <cuda_runtime_api.h>
#endif

namespace ulpscope::gpu {
namespace {

#if defined(ULPSCOPE_HAVE_CUDA)
Availability refused(cudaError_t code) { return {std::nullopt, why_not(cause_of(code), cudaGetErrorName(code))}; }

Availability look() {
  int count = 0;
  if (const cudaError_t code = cudaGetDeviceCount(&count); code != cudaSuccess) return refused(code);
  if (count == 0) return refused(cudaErrorNoDevice);
  cudaDeviceProp properties{};
  if (const cudaError_t code = cudaGetDeviceProperties(&properties, 0); code != cudaSuccess) return refused(code);
  Device device{properties.name, properties.major, properties.minor, 0};
  if (const cudaError_t code = cudaDriverGetVersion(&device.driver); code != cudaSuccess) return refused(code);
  if (properties.major < 8) {
    return {std::nullopt, to_string(device) + ": " + why_not(Cause::too_old, "")};
  }
  if (properties.managedMemory == 0) return {std::nullopt, to_string(device) + " has no managed memory"};
  return {device, ""};
}
#else
Availability look() { return {std::nullopt, "this program was built without CUDA"}; }
#endif

std::string version(int major, int minor) { return std::to_string(major) + "." + std::to_string(minor); }

}  // namespace

const Availability& availability() {
  static const Availability found = look();
  return found;
}

std::string to_string(const Device& device) {
  return device.name + ", compute capability " + version(device.major, device.minor) + ", driver for CUDA " +
         version(device.driver / 1000, device.driver % 1000 / 10);
}

void require_device() {
  if (!availability().device) throw Unavailable("backend cuda: " + availability().why_not);
}

}  // namespace ulpscope::gpu
