// SPDX-License-Identifier: Apache-2.0
// Exact: the rest of a run in one tier of truth, from any slots that are given. What truth and attribution stand on.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/tape.hpp"
#include "core/judge/report.hpp"

namespace ulpscope::judge {

/// Element i lies within radius[i] of value[i] + tail[i]. The value of an infinity or a NaN is its class; tail 0.
struct Enclosure {
  compressor::Shape shape;
  std::vector<double> value;
  std::vector<double> tail;    ///< empty: 0 everywhere
  std::vector<double> radius;  ///< empty: the tier has none
};
using Enclosures = std::map<compressor::Slot, Enclosure>;

/// `wanted`, computed without a rounding from the problem's inputs and the slots in `given`; a slot both wanted and
/// given is recomputed from the others (the exact stage on a run's own inputs). `recipe`: of truth_recipe.
struct ExactRequest {
  const compressor::Problem& problem;
  const compressor::Recipe& recipe;
  const compressor::Tape& given;
  std::vector<compressor::Slot> wanted;
  unsigned threads = 1;
};

struct Exact {
  TruthInfo info;  ///< tier and bits
  std::function<Enclosures(const ExactRequest&)> run;
};

/// The everyday tier: the engine in fp64, without radii.
Exact exact_in_fp64();

}  // namespace ulpscope::judge
