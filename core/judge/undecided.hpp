// SPDX-License-Identifier: Apache-2.0
// What a truth with radii cannot decide: elements of which nothing is known, and predicates that hold for some of an
// element's possible values only. Internal to core/judge.
#pragma once

#include <cstdint>
#include <vector>

#include "core/judge/exact.hpp"
#include "core/judge/ruler.hpp"

namespace ulpscope::judge {

/// The first rows of every batch row, as `cropped` of tensors.
Enclosure cropped(const Enclosure& enclosure, const compressor::Shape& shape);

/// What a row's elements say about a truth.
struct Radii {
  double max_radius = 0;        ///< of those that have a bound
  std::uint64_t unbounded = 0;  ///< elements that may be any real number, or not even that
};
Radii radii_of(const Enclosure& enclosure);

/// An undecided row without metrics where an element is unbounded; counts it in row.undecided.
void leave_undecided(Row& row, const Radii& radii);

/// The elements for which no possible value of the truth is within the tolerance, and how many are within it for some
/// values but not for all. Within the tolerance: those below every format (enclosed within the least normal double)
/// that the run has as 0.
struct Judged {
  std::vector<std::size_t> failing;
  std::uint64_t undecided = 0;
};
Judged judge_tolerance(const compressor::Tensor& found, const Enclosure& truth, const Tolerance& tolerance,
                       const Ruler& ruler);
/// An undecided row where the truth's radius leaves elements of `count` open.
void leave_open(Row& row, const Judged& judged, std::size_t count);

}  // namespace ulpscope::judge
