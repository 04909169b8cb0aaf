// SPDX-License-Identifier: Apache-2.0
// What a survey has to show; and that there is none without CUDA.
#include "tests/gpu_check/exponentials.hpp"

#include <cstring>

#if !defined(ULPSCOPE_HAVE_CUDA)
#include "gpu/device.hpp"
#include "gpu/errors.hpp"
#endif

namespace ulpscope::gpu_check {
namespace {

/// Floats between two of the same sign.
std::uint32_t floats_between(float a, float b) {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  std::memcpy(&first, &a, sizeof first);
  std::memcpy(&second, &b, sizeof second);
  return first > second ? first - second : second - first;
}

}  // namespace

bool is_as_modelled(const ExpSurvey& survey) {
  return survey.furthest <= 2 && floats_between(survey.device_zero, survey.model_zero) <= 1;
}

#if !defined(ULPSCOPE_HAVE_CUDA)
std::vector<ExpSurvey> survey_exponentials() { throw gpu::Unavailable(gpu::availability().why_not); }
#endif

}  // namespace ulpscope::gpu_check
