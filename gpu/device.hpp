// SPDX-License-Identifier: Apache-2.0
// The device that backend cuda uses, or why there is none.
#pragma once

#include <optional>
#include <string>

namespace ulpscope::gpu {

struct Device {
  std::string name;  ///< "NVIDIA H100 80GB HBM3"
  int major = 0;     ///< compute capability
  int minor = 0;
  int driver = 0;  ///< the newest CUDA that the driver knows, as CUDA writes it: 13000
};

struct Availability {
  std::optional<Device> device;
  std::string why_not;  ///< one sentence without its end; "" where there is a device
};

/// The first device, looked for once. Never throws.
const Availability& availability();
/// "NVIDIA H100 80GB HBM3, compute capability 9.0, driver 13.0".
std::string to_string(const Device& device);
/// Throws Unavailable.
void require_device();

}  // namespace ulpscope::gpu
