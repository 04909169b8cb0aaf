// SPDX-License-Identifier: Apache-2.0
// Harm: whether anything that a run goes on with depends on its births. Internal to core/judge; see nonfinite.md.
#pragma once

#include <optional>
#include <string>

#include "core/judge/cures.hpp"

namespace ulpscope::judge {

/// Why a birth needs no cure, in words ("none needed: ..."): its path leads neither to the output nor to a gradient,
/// and every sound slot that reads the birth's slot, or one on the path, is the same number for number without the
/// strays. Nothing where one is not. Gradients that the suspect does not hold are run.
std::optional<std::string> why_harmless(const Births& births, const Complaint& complaint);

}  // namespace ulpscope::judge
