// SPDX-License-Identifier: Apache-2.0
// Emulated operations and exponentials on whole arrays at a chosen SIMD level: what the self-test, tests and benchmarks
// run.
#pragma once

#include <span>

#include "precision/array_operations_levels.hpp"
#include "precision/simd_level.hpp"

namespace ulpscope::precision {

/// to[i] = operation(a[i], b[i], c[i]), each rounded once to the format, carried in T = float or double. Levels give
/// the same bits. Stochastic formats draw for element i with key 0. Throws std::invalid_argument if sizes differ or the
/// carrier cannot hold the format.
void apply(SimdLevel level, const ArrayOperation<float>& operation, std::span<float> to);
void apply(SimdLevel level, const ArrayOperation<double>& operation, std::span<double> to);

/// to[i] = the variant's fp32 exp of from[i].
void exp_array(SimdLevel level, std::span<const float> from, std::span<float> to, Exp variant);

}  // namespace ulpscope::precision
