// SPDX-License-Identifier: Apache-2.0
// One rounding, one underflow, one exponential, one sum.
#include "core/judge/bounds_parts.hpp"

#include <algorithm>
#include <cmath>

namespace ulpscope::judge {
namespace {

/// In unit roundoffs of the result: half ulps.
double units_of(precision::Exp variant) {
  switch (variant) {
    case precision::Exp::correct:
      return 1;
    case precision::Exp::libm:
    case precision::Exp::glibc:
    case precision::Exp::sleef_u10:
      return 2;
    case precision::Exp::fast:
      return 2.4;
    case precision::Exp::xla_cpu:
    case precision::Exp::xla_ynn:
    case precision::Exp::cuda:
      return 4;
    case precision::Exp::cuda_fast:
      return 4;
  }
  return HUGE_VAL;
}

}  // namespace

double exp_units(const precision::ExpChoice& choice) {
  return choice.vector == 1 ? units_of(choice.full) : std::max(units_of(choice.full), units_of(choice.rest));
}

double exp_units_of_argument(const precision::ExpChoice& choice) {
  constexpr auto fast = precision::Exp::cuda_fast;
  return choice.full == fast || (choice.vector != 1 && choice.rest == fast) ? 2.4 : 0;
}

double roundoff(const precision::Format& format) {
  const bool nearest =
      format.mode == precision::RoundingMode::nearest_even || format.mode == precision::RoundingMode::nearest_away;
  return (nearest ? 1 : 2) * precision::unit_roundoff(format);
}

double underflow(const precision::Format& format) {
  return format.flush_results || format.flush_inputs ? precision::min_normal(format) : precision::min_subnormal(format);
}

double with_cast(double exact, double inner, const precision::Format& storage) {
  return inner + roundoff(storage) * (std::fabs(exact) + inner) + underflow(storage);
}

double counted(double count, Luck luck) { return luck == Luck::worst ? count : std::sqrt(count); }

double sum_growth(const precision::Summation& summation, const precision::Format& accumulate, double terms, Luck luck) {
  if (summation.kind != precision::Summation::Kind::tensor_core)
    return std::log1p(roundoff(accumulate)) * counted(terms, luck);
  const double fraction_bits = summation.sizes[0];
  const double block = summation.sizes[1];
  const double stored = accumulate.precision >= 24 ? 0x1p-23 : roundoff(accumulate);
  return std::log1p((block + 1) * std::exp2(-fraction_bits) + stored) * std::ceil(terms / block);
}

}  // namespace ulpscope::judge
