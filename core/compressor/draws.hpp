// SPDX-License-Identifier: Apache-2.0
// Stochastic rounding's counters: which draw belongs to which seed, slot, element, role and operation, however a run is
// cut.
#pragma once

#include <cstdint>

#include "core/compressor/slot_name.hpp"
#include "precision/random.hpp"

namespace ulpscope::compressor {
inline namespace ULPSCOPE_LEVEL {

/// The key of a slot's draws.
ULPSCOPE_INLINE std::uint64_t draw_key(std::uint64_t seed, Slot slot) {
  return precision::mix(precision::mix(seed) + slot.index());
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor
