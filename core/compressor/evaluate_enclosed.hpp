// SPDX-License-Identifier: Apache-2.0
// The engine in enclosures: any slots of a run without a rounding, each value with a proven radius.
#pragma once

#include "core/compressor/evaluate.hpp"
#include "core/compressor/evaluate_real.hpp"
#include "precision/enclosed_number.hpp"

namespace ulpscope::compressor {

/// As evaluate_real, in double-doubles with radii: slots in `given` may carry radii of their own. What overflows double
/// is any real number; what no class decides may be anything; a quantiser's element that straddles a tie is the hull of
/// what it may become.
Values<precision::Enclosed> evaluate_enclosed(const Problem& problem, const Recipe& recipe,
                                              const Values<precision::Enclosed>& given, const Wanted& wanted);

}  // namespace ulpscope::compressor
