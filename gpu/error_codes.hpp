// SPDX-License-Identifier: Apache-2.0
// The values of cudaError_t that we tell apart, for sources that are built without CUDA.
#pragma once

namespace ulpscope::gpu::codes {

inline constexpr int memory_allocation = 2;
inline constexpr int stub_library = 34;
inline constexpr int insufficient_driver = 35;
inline constexpr int devices_unavailable = 46;
inline constexpr int no_device = 100;
inline constexpr int no_kernel_image = 209;
inline constexpr int unsupported_ptx = 222;
inline constexpr int illegal_address = 700;
inline constexpr int not_permitted = 800;

}  // namespace ulpscope::gpu::codes
