// SPDX-License-Identifier: Apache-2.0
// The sigma map: how far honest roundings take each element of each slot, and the tolerance that follows.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/judge/report.hpp"
#include "core/judge/sigma.hpp"

namespace ulpscope::judge {

struct SigmaMap {
  /// sigma_i of every element: the root mean square, over runs in fp64 whose slots are dithered by their deviations, of
  /// what it is off the exact one; at least half of its own square and half of its row's mean (last axis), so that no
  /// element is held to its own draws alone.
  std::map<compressor::Slot, std::vector<double>> sigma;
  /// 6 sigma over the error of the recipe's own run, norm by norm.
  std::map<compressor::Slot, double> sharpness;
};
/// Of a run's projections, forward and backward: a multiplication and an addition each.
double operations_of(const compressor::Config& config);
/// Whether a search may run the problem hundreds of times: at most 2^28 such operations; beyond, it takes minutes.
bool is_quick_to_run(const compressor::Config& config);

/// Why a problem of this size has no map, a clause for a report: the runs are too long (above 2^31 operations in the
/// projections of one) or there is no entry. Empty: it has one.
std::string why_no_sigma_map(const compressor::Config& config);
/// The same of a basis.
inline constexpr std::string_view why_no_tolerance_on_given =
    "no tolerance of a slot's distance from the truth is derived: on basis given that distance holds the rounding of "
    "the "
    "inputs too";
/// Of the evidence's problem and recipe, whatever its run is. Nothing where there is a reason for none.
std::optional<SigmaMap> sigma_map(const Evidence& evidence);

/// Fills `tolerance` of the rows that run, `truth` (basis quantized) and map hold and that have none: an element may be
/// z = 6 sigma_i off the truth. One that is farther fails its row, unless a verdict has found where errors begin: what
/// follows from that is no news; `atol` is that of the row's widest element, and the reason says the norm, what makes
/// it, and how sharp it is. A row that a replay through coarse sums left open is decided.
void tolerate_totals(RunReport& report, const Evidence& evidence, const compressor::Tape& truth, const SigmaMap& map);
/// By the evidence's own map; where it has none, a note says why.
void tolerate_totals(RunReport& report, const Evidence& evidence, const compressor::Tape& truth);

}  // namespace ulpscope::judge
