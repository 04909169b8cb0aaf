// SPDX-License-Identifier: Apache-2.0
// The golden problems that the program carries.
#pragma once

#include <span>
#include <string_view>

namespace ulpscope::gpu_check {

struct Golden {
  std::string_view name;
  std::string_view bytes;  ///< a safetensors file
};
std::span<const Golden> golden_problems();

}  // namespace ulpscope::gpu_check
