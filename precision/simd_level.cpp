// SPDX-License-Identifier: Apache-2.0
// Which x86-64 level this machine has.
#include "precision/simd_level.hpp"

namespace ulpscope::precision {
namespace {

SimdLevel detect() {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  return avx2 && avx512 ? SimdLevel::v4 : avx2 ? SimdLevel::v3 : SimdLevel::v2;
}

}  // namespace

SimdLevel best_simd_level() {
  static const SimdLevel level = detect();
  return level;
}

}  // namespace ulpscope::precision
