// SPDX-License-Identifier: Apache-2.0
// RoPE frequencies in multi-precision, every operation rounded to the recipe's format where it names one.
#pragma once

#include <boost/math/constants/constants.hpp>
#include <cmath>
#include <vector>

#include "core/compressor/arithmetic_plan.hpp"
#include "precision/pow_sleef.hpp"
#include "precision/real.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::compressor {

/// The pair index at which a full context of `original` positions makes `turns` turns [YaRN23, section 3.2].
inline double yarn_pair(const Rope& rope, double turns) {
  const double pi = boost::math::constants::pi<double>();
  return static_cast<double>(rope.dim) * std::log(rope.yarn->original / (turns * 2 * pi)) / (2 * std::log(rope.theta));
}

/// theta^(-2k/dim); under YaRN slow pairs are divided by `factor`, those between are blended linearly.
inline std::vector<precision::Real> real_frequencies(const Config& config, const TableArithmetic& arithmetic) {
  using precision::Real;
  const Rope& rope = *config.rope;
  const auto rounded = [&](const Real& x) {
    return arithmetic.frequencies ? Real(precision::round(static_cast<double>(x), *arithmetic.frequencies)) : x;
  };
  double low = 0;
  double high = 0;
  if (rope.yarn) {
    low = std::max(std::floor(yarn_pair(rope, rope.yarn->beta_fast)), 0.0);
    high = std::min(std::ceil(yarn_pair(rope, rope.yarn->beta_slow)), static_cast<double>(rope.dim) - 1);
    if (low == high) high += 0.001;
  }
  std::vector<Real> frequencies;
  for (std::size_t k = 0; k < rope.dim / 2; ++k) {
    const Real exponent = rounded(Real(2 * k) / Real(rope.dim));
    const bool by_sleef = arithmetic.frequencies && precision::takes_sleef(arithmetic.power, k, rope.dim / 2);
    const Real power =
        by_sleef ? Real(precision::pow_sleef_u10(static_cast<float>(rope.theta), exponent.convert_to<float>()))
                 : Real(pow(Real(rope.theta), exponent));
    const Real period = rounded(power);
    const Real plain = rounded(1 / period);
    if (!rope.yarn) {
      frequencies.push_back(plain);
      continue;
    }
    const Real stretched = rounded(1 / rounded(Real(rope.yarn->factor) * period));
    const Real position =
        rounded(rounded(Real(k) - rounded(Real(low))) / rounded(rounded(Real(high)) - rounded(Real(low))));
    const Real ramp = position < 0 ? Real(0) : (position > 1 ? Real(1) : position);
    const Real keep = rounded(1 - ramp);
    frequencies.push_back(rounded(rounded(stretched * rounded(1 - keep)) + rounded(plain * keep)));
  }
  return frequencies;
}

}  // namespace ulpscope::compressor
