// SPDX-License-Identifier: Apache-2.0
// The device's own exponentials against our text of them, which has an ideal ex2: every float.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ulpscope::gpu_check {

/// One exponential over all 2^32 floats. Distances are in floats; where results are flushed, subnormal numbers do not
/// count as steps.
struct ExpSurvey {
  std::string name;       ///< "expf"
  std::string model;      ///< our variant: "cuda"
  float device_zero = 0;  ///< the largest float whose exponential is 0
  float model_zero = 0;
  std::uint64_t differing = 0;  ///< floats with other bits than the model's; NaN is NaN
  std::uint32_t furthest = 0;   ///< the largest distance, or UINT32_MAX where one of the two is NaN
  float furthest_at = 0;        ///< an argument with it
};

/// ex2.approx is within 2 ulp [CUDA-guide]: so far may results be apart, and a threshold moves by a float at most.
bool is_as_modelled(const ExpSurvey& survey);

/// Runs on the device; throws what run_cuda throws.
std::vector<ExpSurvey> survey_exponentials();

}  // namespace ulpscope::gpu_check
