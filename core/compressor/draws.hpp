// SPDX-License-Identifier: Apache-2.0
// Stochastic rounding's counters: which draw belongs to which seed, slot, element, role and operation, however a run is
// cut.
#pragma once

#include <cstdint>

#include "core/compressor/slot.hpp"
#include "precision/random.hpp"

namespace ulpscope::compressor {

/// The key of a slot's draws.
inline std::uint64_t draw_key(std::uint64_t seed, Slot slot) {
  return precision::mix(precision::mix(seed) + slot.index());
}

}  // namespace ulpscope::compressor
