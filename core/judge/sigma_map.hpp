// SPDX-License-Identifier: Apache-2.0
// The sigma map: how far honest roundings take each element of each slot, and the tolerance that follows.
#pragma once

#include <map>
#include <vector>

#include "core/judge/report.hpp"
#include "core/judge/sigma.hpp"

namespace ulpscope::judge {

/// sigma_i of every slot: the root mean square, over `draws` runs in fp64 whose slots are dithered by their deviations,
/// of what the element is off the exact one; half of its square is the mean of its row's (last axis), so that no
/// element's own draws decide alone.
using SigmaMap = std::map<compressor::Slot, std::vector<double>>;
SigmaMap sigma_map(const Evidence& evidence, const Deviations& deviations, int draws);

/// Fills `tolerance` of the rows that run, `truth` (basis quantized) and map hold and that have none: an element may be
/// z = 6 sigma_i off the truth. One that is farther fails its row, unless a
/// verdict has found where errors begin: what follows from that is no news; `atol` is that of the row's widest element,
/// and the reason says the norm, what makes it, and how sharp it is: tolerance / error of the recipe's own run, norm by
/// norm. Nothing where 64 runs are too long (above 2^32 operations in the projections of one).
void tolerate_totals(RunReport& report, const Evidence& evidence, const compressor::Tape& truth);

}  // namespace ulpscope::judge
