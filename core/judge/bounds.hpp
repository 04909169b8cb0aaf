// SPDX-License-Identifier: Apache-2.0
// Bounds of local errors: what the roundings of one stage may make of one slot, element by element.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/judge/replay.hpp"

namespace ulpscope::judge {

/// |the recipe's slot - the exact stage on the same inputs| is at most worst[i]. k operations of the compute format and
/// a sum of K terms give ((1 + u_c)^k (1 + u_a)^K - 1) times the majorant: the exact value, or where the stage cancels
/// the formula on absolute values; each may underflow by half a smallest number (a whole normal one under ftz); the
/// cast adds u_s of the value and half a smallest number [Higham02, ch. 3, ch. 4]. typical: sqrt(k) and sqrt(K) in
/// place of k and K, which holds with high probability where roundings are independent and of mean 0 [Higham-Mary19].
/// Evaluated in fp64 on the slots of the run itself, and enlarged by what that evaluation may lose.
struct LocalBounds {
  std::vector<double> exact;  ///< the exact stage on the same inputs
  std::vector<double> worst;
  std::vector<double> typical;
};

/// Nothing where the run does not hold what the slot's stage reads. RoPE tables, online softmax, quantised blocks,
/// tensor cores' sums and a differentiated maximum have theirs in bounds_parts.hpp.
/// `exact`: the exact stage on the run's own inputs, where it is at hand; else it is computed.
std::optional<LocalBounds> local_bounds(compressor::Slot slot, const Replayer& replayer, const compressor::Tape& run,
                                        const compressor::Tensor* exact = nullptr);
/// Of a slot that has none: why, for a report.
std::string why_unbounded(compressor::Slot slot, const Replayer& replayer, const compressor::Tape& run);

/// Standard deviations of what the roundings of one stage, all but the cast of its result, make of one slot.
struct InnerDeviations {
  std::vector<double> rms;
  /// Of a normal law as wide as theirs, whose tails are longer where sums cancel: 6 of it are as rare as 6 sigma.
  std::vector<double> wide;
};
/// Of the recipe's formats and of any order of sums, each rounding uniform, the operations counted as for the bounds. K
/// terms that are added one by one make K roundings of partial sums, of squares x^2 at most where they drift to the sum
/// x, and T / 6 on average where they wander (a Brownian bridge of variance T, the sum of terms^2). A sum's error is
/// that of a normal law whose own variance is such a path's: its characteristic function is sqrt(t / sinh t), and its
/// tail 2 exp(-pi s) / (pi sqrt(s)), s = z / sqrt(6). Nothing where local_bounds has nothing. `exact`: as there.
std::optional<InnerDeviations> inner_deviations(compressor::Slot slot, const Replayer& replayer,
                                                const compressor::Tape& run, const compressor::Tensor* exact = nullptr);

}  // namespace ulpscope::judge
