// SPDX-License-Identifier: Apache-2.0
// The engine in intervals over MPFR: what any slots of a run can be without a rounding. Heavy: include from few
// sources.
#pragma once

#include "core/compressor/evaluate_real.hpp"
#include "precision/interval.hpp"

namespace ulpscope::compressor {

/// As evaluate_real, with bounds at 80 digits instead of values. A quantiser reads the middle of an interval: its
/// decisions are those of MPFR.
Values<precision::Interval> evaluate_interval(const Problem& problem, const Recipe& recipe,
                                              const Values<precision::Interval>& given, const Wanted& wanted);

}  // namespace ulpscope::compressor
