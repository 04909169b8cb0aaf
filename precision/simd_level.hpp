// SPDX-License-Identifier: Apache-2.0
// Which x86-64 level this machine has.
#pragma once

#include <cstdint>

namespace ulpscope::precision {

/// Levels of the x86-64 psABI: v2 = SSE4.2, v3 = AVX2 + FMA, v4 = AVX-512 (F, BW, CD, DQ, VL).
enum class SimdLevel : std::uint8_t { v2, v3, v4 };

/// The best level of this machine, the same for the life of the process.
SimdLevel best_simd_level();

}  // namespace ulpscope::precision
