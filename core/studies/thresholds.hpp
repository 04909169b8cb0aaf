// SPDX-License-Identifier: Apache-2.0
// Where an exponential becomes 0: found by bisection, and by theory.
#pragma once

#include "core/studies/upcast.hpp"
#include "precision/exp_variant.hpp"

namespace ulpscope::studies {

/// The largest number d <= 0 of the computed format whose exponential, computed there and cast to the stored one, is 0;
/// -infinity where there is none but that.
double largest_zero(const Upcast& upcast, precision::Exp variant);

/// The d at which the exact exp(d) is half the smallest subnormal number of the stored or the computed format, or the
/// smallest normal one where the format flushes: what lies at it or below is 0, up to the roundings on the way.
double zero_in_theory(const Upcast& upcast);

/// "run": the processor's own or rounded once. "modelled": another library's or machine's algorithm, by our text of it.
const char* origin_of(precision::Exp variant);

}  // namespace ulpscope::studies
