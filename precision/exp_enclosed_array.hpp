// SPDX-License-Identifier: Apache-2.0
// exp of arrays of enclosures, at the best SIMD level of the machine.
#pragma once

#include <span>

#include "precision/enclosed_number.hpp"
#include "precision/simd_level.hpp"

namespace ulpscope::precision {

/// to[i] = exp of all that from[i] holds; the arrays have one size and are the same or do not overlap. Throws
/// std::invalid_argument if the sizes differ.
void exp_array(std::span<const Enclosed> from, std::span<Enclosed> to);

/// The same at a given level, which the machine must have: levels give the same bits.
void exp_array_at(SimdLevel level, std::span<const Enclosed> from, std::span<Enclosed> to);

}  // namespace ulpscope::precision
