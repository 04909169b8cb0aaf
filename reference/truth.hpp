// SPDX-License-Identifier: Apache-2.0
// The tiers of truth: the engine's own text in fp64, in intervals over MPFR, or in enclosures.
#pragma once

#include <string>
#include <vector>

#include "core/judge/exact.hpp"

namespace ulpscope::reference {

/// "fp64", "mpfr", "certified".
const std::vector<std::string>& truth_tiers();

/// fp64: values of 53 bits without radii. certified: double-doubles with radii. mpfr: 266 bits, as double-doubles with
/// radii; slow. Throws InputError with the known tiers.
judge::Exact exact_in(const std::string& tier);

}  // namespace ulpscope::reference
