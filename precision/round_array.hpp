// SPDX-License-Identifier: Apache-2.0
// Rounding of whole arrays at the speed of a copy, at the best SIMD level of the machine.
#pragma once

#include <span>

#include "precision/format.hpp"
#include "precision/simd_level.hpp"

namespace ulpscope::precision {

/// to[i] = from[i] rounded once to the format; the arrays have one size and are the same or do not overlap. Stochastic
/// formats draw for element i of the call with key 0. Throws std::invalid_argument if the sizes differ.
void round_array(std::span<const float> from, std::span<float> to, const Format& format);
void round_array(std::span<const double> from, std::span<double> to, const Format& format);

/// The same at a given level, which the machine must have: levels give the same bits.
void round_array_at(SimdLevel level, std::span<const float> from, std::span<float> to, const Format& format);
void round_array_at(SimdLevel level, std::span<const double> from, std::span<double> to, const Format& format);

}  // namespace ulpscope::precision
