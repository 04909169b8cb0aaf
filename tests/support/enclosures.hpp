// SPDX-License-Identifier: Apache-2.0
// Enclosures against intervals over MPFR, and against the size of what was added up. Heavy: include from few sources.
#pragma once

#include <cmath>
#include <vector>

#include "core/compressor/evaluate_enclosed.hpp"
#include "core/compressor/evaluate_interval.hpp"
#include "core/compressor/run.hpp"

namespace ulpscope::test {

/// Every slot that a recipe computes on a problem.
inline compressor::Wanted every_slot(const compressor::Problem& problem, const compressor::Recipe& recipe) {
  return {compressor::program_order(problem, recipe), 1};
}

/// Two certified answers that cannot both be right have no number in common. Infinities and NaN are equal or not.
inline bool agree(const precision::Enclosed& x, const precision::Interval& y) {
  using precision::Real;
  if (precision::is_unknown(x)) return true;
  if (!precision::is_finite(x)) return x.high == static_cast<double>(y.low) || (x.high != x.high && isnan(y.low));
  const Real middle = Real(x.high) + Real(x.low);
  return middle - Real(x.radius) <= y.high && middle + Real(x.radius) >= y.low;
}

struct Agreement {
  std::size_t apart = 0;  ///< elements without a common number
  std::size_t unbounded = 0;
  double loosest = 0;  ///< the largest radius, relative to the size of what was added up
};

/// `sizes`: of what was added up, an element each; empty: not measured.
inline Agreement compare(const std::vector<precision::Enclosed>& ours, const std::vector<precision::Interval>& theirs,
                         const std::vector<double>& sizes) {
  Agreement found;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    found.apart += agree(ours[i], theirs[i]) ? 0 : 1;
    found.unbounded += ours[i].radius < precision::infinity() ? 0 : 1;
    if (!sizes.empty() && ours[i].radius != 0) found.loosest = std::fmax(found.loosest, ours[i].radius / sizes[i]);
  }
  return found;
}

}  // namespace ulpscope::test
