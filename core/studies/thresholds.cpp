// SPDX-License-Identifier: Apache-2.0
// Thresholds of underflow.
#include "core/studies/thresholds.hpp"

#include <algorithm>
#include <cmath>

#include "precision/elementary.hpp"
#include "precision/emulated.hpp"
#include "precision/ulp.hpp"

namespace ulpscope::studies {

using precision::Exp;
using precision::Format;

double largest_zero(const Upcast& upcast, Exp variant) {
  const Format computed = precision::parse_format(upcast.computed);
  const precision::Emulated<double> compute(computed);
  const precision::Emulated<double> storage(precision::parse_format(upcast.stored));
  const auto vanishes = [&](double d) { return storage.round(precision::exp_as(compute, d, variant)) == 0; };
  if (!vanishes(-computed.max_finite)) return -precision::infinity();
  std::uint64_t above = precision::encode(-precision::min_subnormal(computed), computed);  // exp of it is 1
  std::uint64_t at = precision::encode(-computed.max_finite, computed);
  while (at - above > 1) {  // codes of negative numbers grow with their magnitude
    const std::uint64_t middle = above + (at - above) / 2;
    (vanishes(precision::decode(middle, computed)) ? at : above) = middle;
  }
  return precision::decode(at, computed);
}

double zero_in_theory(const Upcast& upcast) {
  double highest = -precision::infinity();
  for (const std::string& name : {upcast.stored, upcast.computed}) {
    const Format format = precision::parse_format(name);
    const double limit =
        format.flush_results ? std::log(2.0) * format.emin : std::log(2.0) * (format.emin - format.precision);
    highest = std::max(highest, limit);
  }
  return highest;
}

const char* origin_of(Exp variant) {
  return variant == Exp::correct || variant == Exp::libm || variant == Exp::fast ? "run" : "modelled";
}

}  // namespace ulpscope::studies
