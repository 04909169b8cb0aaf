// SPDX-License-Identifier: Apache-2.0
// What a run came to: classes, its first birth, empty windows, denominators. Internal to core/studies.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/tape.hpp"
#include "core/io/json.hpp"
#include "core/judge/nonfinite.hpp"

namespace ulpscope::studies {

/// The output, then the gradients of the inputs.
std::span<const compressor::Slot> results_of_a_run();

/// The worst class of the values of slots that the tape has: NaN, then Inf, then finite.
std::string class_of(const compressor::Tape& tape, std::span<const compressor::Slot> slots);
/// The fraction of elements of results_of_a_run() that are the same bits, or NaN in both.
double equal_bits(const compressor::Tape& a, const compressor::Tape& b);

/// Which slots of a run's windows hold no token: compressor::padded_slots.
using Padded = std::vector<std::uint8_t>;

struct EmptyWindows {
  std::size_t all = 0;
  std::size_t averaged = 0;  ///< their weights are numbers that are not all 0: an average of pads
};
/// Windows without a token.
EmptyWindows empty_windows(const compressor::Tape& run, const Padded& padded);

/// "finite", "NaN", or "Inf backward" where only gradients are not finite.
std::string result_of(const std::string& forward_class, const std::string& gradient_class);

/// The smallest denominator of a softmax row that holds a token; NaN where the algorithm has none, +inf where none is a
/// number.
double least_denominator(const compressor::Tape& run, const Padded& padded);
/// "born", "masked_by" and "cure" of the first certificate, in a few words each.
io::Json birth_json(const judge::Nonfinite& found);

/// What study nan measures of a recipe's run; `with_infinite_pad` is the recipe with pads of -inf.
io::Json outcome_of(const compressor::Problem& problem, const compressor::Recipe& recipe,
                    const compressor::Recipe& with_infinite_pad);

}  // namespace ulpscope::studies
