// SPDX-License-Identifier: Apache-2.0
// What bounds of local errors are made of: one rounding, one underflow, one exponential. Internal to core/judge.
#pragma once

#include <optional>

#include "core/compressor/slot_arithmetic.hpp"
#include "core/judge/bounds.hpp"
#include "precision/exp_variant.hpp"
#include "precision/format.hpp"
#include "precision/summation_spec.hpp"

namespace ulpscope::judge {

/// Of one rounding, relative to its exact result: to nearest u; to any side 2 u.
double roundoff(const precision::Format& format);
/// What one operation may lose below the normal numbers.
double underflow(const precision::Format& format);

/// An exponential's error in unit roundoffs of its result, and further ones per unit of |argument|: of exps that do not
/// reduce it exactly.
double exp_units(const precision::ExpChoice& choice);
double exp_units_of_argument(const precision::ExpChoice& choice);

/// A bound that does not count the cast yet, with it: |exact|, what comes before the cast, where it is stored.
double with_cast(double exact, double inner, const precision::Format& storage);

/// How deep a bound goes into its counts: all of them at their worst, or their roots.
enum class Luck : std::uint8_t { worst, typical };
double counted(double count, Luck luck);

/// What rounds a sum of `terms` makes of it, as a logarithm of growth: one of u for each term, in the worst case;
/// tensor cores' blocks of K align K terms and the accumulator to the largest of them, cut each to F bits below it, and
/// round toward zero. Those errors are one-sided, so that luck does not help them.
double sum_growth(const precision::Summation& summation, const precision::Format& accumulate, double terms, Luck luck);

// Slots that are no formula of a fixed number of operations; nothing: none of these. `reads`: what the slot's stage
// reads, in the run.

/// rope_frequencies, rope_cos, rope_sin: every rounding that the recipe names, exact angles moved by their own
/// roundings; of a library's pow, cos and sin one ulp.
std::optional<LocalBounds> table_bounds(compressor::Slot slot, const Replayer& replayer, const compressor::Tape& reads);
/// row_max, denominator, softmax, pooled of online softmax; softmax of log_softmax. See bounds_window.cpp.
std::optional<LocalBounds> walked_bounds(compressor::Slot slot, const Replayer& replayer,
                                         const compressor::Tape& reads);
/// quantized: no decision but the recipe's own is open, since scales are exact: an element may be one spacing off only
/// where x / s, rounded, may lie on either side of a tie. typical: the same, but for what its evaluation may lose.
std::optional<LocalBounds> quantized_bounds(compressor::Slot slot, const Replayer& replayer,
                                            const compressor::Tape& reads);
/// Adds to the bounds of grad.logits (before the cast) what flows back through the maximum: nothing in exact arithmetic
/// on exact slots, here the window's sum of its gradients, with their errors, at the slots that attain the maximum.
struct MaxCotangent {
  const compressor::Tensor& exact;
  const compressor::Tape& reads;
  const compressor::SlotArithmetic& arithmetic;
  Luck luck;
};
void add_max_cotangent(std::vector<double>& inner, const MaxCotangent& through);

}  // namespace ulpscope::judge
