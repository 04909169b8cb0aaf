// SPDX-License-Identifier: Apache-2.0
// The engine in MPFR: ground truth of any slots, and directional derivatives. Heavy: include from few sources.
#pragma once

#include <vector>

#include "core/compressor/evaluate.hpp"
#include "core/compressor/kernels/real_sets.hpp"

namespace ulpscope::compressor {

/// What to compute, on how many threads.
struct Wanted {
  std::vector<Slot> slots;
  unsigned threads = 1;
};

/// Whole tensors of the wanted slots at 80 digits: pipeline, algorithms, policies and forms of VJPs are the recipe's,
/// its formats act on nothing but the function's constants: `inputs` and pads (see judge::truth_recipe for runs judged
/// as given). The RoPE table is exact. Slots in `given` (whole tensors; inputs may be among them) are read, not
/// computed; a wanted one never is. Throws InputError for a wanted slot that the recipe does not compute, a needed one
/// that nobody holds, a given one of the wrong size.
Values<precision::Real> evaluate_real(const Problem& problem, const Recipe& recipe,
                                      const Values<precision::Real>& given, const Wanted& wanted);

/// The same in dual numbers: the derivatives of `wanted` along those of `given`; inputs of the problem are constants.
Values<RealDual> differentiate_real(const Problem& problem, const Recipe& recipe, const Values<RealDual>& given,
                                    const Wanted& wanted);

}  // namespace ulpscope::compressor
