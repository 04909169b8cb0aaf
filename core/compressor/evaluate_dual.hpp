// SPDX-License-Identifier: Apache-2.0
// The engine in dual numbers over double: the exact linearisation of any part of a run. Heavy: include from few
// sources.
#pragma once

#include "core/compressor/evaluate.hpp"
#include "core/compressor/evaluate_real.hpp"
#include "core/compressor/kernels/dual_set.hpp"

namespace ulpscope::compressor {

/// Values of `wanted` and their derivatives along those of `given`, in fp64 (tables of RoPE too). Inputs of the problem
/// are constants. Recipe, given, wanted and refusals: as
/// evaluate_real.
Values<DoubleDual> differentiate_double(const Problem& problem, const Recipe& recipe, const Values<DoubleDual>& given,
                                        const Wanted& wanted);

}  // namespace ulpscope::compressor
