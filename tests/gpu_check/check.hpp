// SPDX-License-Identifier: Apache-2.0
// The bit law over many problems: which ones, and the answer as JSON.
#pragma once

#include <cstdint>
#include <string>

namespace ulpscope::gpu_check {

enum class Where : unsigned char { device, rehearsal };

struct Options {
  Where where = Where::device;
  std::uint64_t drawn = 50;  ///< problems besides the golden ones
  std::uint64_t seed = 0;
};

struct Answer {
  std::string json;
  int exit = 0;  ///< 0, 1 or 77
};

/// Throws what run_cuda throws.
Answer check(const Options& options);

}  // namespace ulpscope::gpu_check
