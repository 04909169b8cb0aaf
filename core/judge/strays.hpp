// SPDX-License-Identifier: Apache-2.0
// Strays: elements that are not finite and should be; and the same tapes with them healed. Internal to core/judge.
#pragma once

#include <cstddef>
#include <functional>
#include <map>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/problem.hpp"
#include "core/compressor/tape.hpp"
#include "core/judge/index_ranges.hpp"

namespace ulpscope::judge {

/// NaN, or an infinity that is not the truth's. A NaN of the truth's is one too: exact arithmetic has no number there,
/// and somebody will want to know why. Forward, an infinity that is the truth's, as of a pad, stands there by
/// definition (and so it may where the truth has no number); gradients have none by definition.
bool is_stray(double run, double truth, compressor::Direction direction);

/// Slot -> the flat indices of its strays; slots without any are left out.
using Strays = std::map<compressor::Slot, IndexRanges>;

/// Of a slot; `truth` null, or of another size: as if the truth had the same infinities.
IndexRanges strays_in(compressor::Slot slot, const compressor::Tensor& tensor, const compressor::Tensor* truth);
/// Of the slots on a tape.
Strays strays_of(const compressor::Tape& tape, const compressor::Tape& truth, unsigned threads);
/// Of a problem's inputs as a recipe rounds them: whatever is not finite.
Strays stray_inputs(const compressor::Problem& problem, const compressor::Plan& plan, unsigned threads);

/// A stray's stand-in: the truth's value; 1 where it is no number, or none of the format's range.
double healed(double truth, const precision::Format& format);
/// A problem with its stray inputs healed.
compressor::Problem healed(const compressor::Problem& problem, const Strays& strays, const compressor::Plan& plan);

/// Those of the places at which `made` holds something that is not finite, or `others` something that is.
IndexRanges unlike(const IndexRanges& places, const compressor::Tensor& made, const compressor::Tensor& others);

/// The tensor with the truth's values in place of strays, in its own carrier; `truth` null: as if it had no number.
compressor::Tensor healed(const compressor::Tensor& tensor, const IndexRanges& strays, const compressor::Tensor* truth,
                          const precision::Format& format);
/// The tensor with other values at some places, asked in rising order; carried as before where that holds them.
compressor::Tensor replaced(const compressor::Tensor& tensor, const IndexRanges& places,
                            const std::function<double(std::size_t)>& value_at);

}  // namespace ulpscope::judge
