// SPDX-License-Identifier: Apache-2.0
// RoPE tables that enclose, from MPFR, and the engine.
#include "core/compressor/evaluate_enclosed.hpp"

#include <cmath>

#include "core/compressor/evaluator.inl"
#include "core/compressor/exact_session.hpp"
#include "core/compressor/kernels/enclosed_set.hpp"
#include "core/compressor/matrix_product_enclosed.hpp"
#include "core/compressor/rope_table_real.hpp"

namespace ulpscope::compressor {
namespace {

using precision::Enclosed;
using precision::Real;

/// Above the error of a table's value in MPFR: 266 bits, angles to 2^20, a dozen roundings.
constexpr double table_error = 0x1p-200;

/// x, which is within table_error of what it stands for.
Enclosed enclosed(const Real& x) {
  const auto high = static_cast<double>(x);
  const auto low = static_cast<double>(Real(x - Real(high)));
  return {high, low, std::fabs(high) * 0x1p-105 + table_error};
}
Real middle(const Enclosed& x) { return Real(x.high) + Real(x.low); }
Enclosed number(double x) { return Enclosed(x); }

/// Frequencies as the table takes them: those that are the config's own, not given ones, with all the digits of MPFR.
struct Frequency {
  Real value;
  double radius = 0;
};
std::vector<Frequency> known_frequencies(const Config& config, const std::vector<Enclosed>& frequencies) {
  const std::vector<Real> exact = real_frequencies(config, TableArithmetic{});
  std::vector<Frequency> known;
  for (std::size_t k = 0; k < frequencies.size(); ++k) {
    const Enclosed own = enclosed(exact[k]);
    const Enclosed& one = frequencies[k];
    const bool is_own = one.high == own.high && one.low == own.low && one.radius == own.radius;
    known.push_back(is_own ? Frequency{exact[k]} : Frequency{middle(one), one.radius});
  }
  return known;
}

}  // namespace

template <>
std::vector<Enclosed> rope_frequencies<Enclosed>(const Config& config, const TableArithmetic&) {
  std::vector<Enclosed> values;
  for (const Real& exact : real_frequencies(config, TableArithmetic{})) values.push_back(enclosed(exact));
  return values;
}

/// cos and sin move by no more than their angle does; those of angle 0 are exact.
template <>
RopeTable<Enclosed> rope_table<Enclosed>(const Config& config, const TableArithmetic&,
                                         const std::vector<Enclosed>& frequencies) {
  const std::vector<Frequency> known = known_frequencies(config, frequencies);
  RopeTable<Enclosed> table;
  for (std::size_t i = 0; i < config.windows(); ++i) {
    const double position = static_cast<double>(config.rope->position_offset) + static_cast<double>(i * config.ratio);
    for (const Frequency& frequency : known) {
      const Real angle = Real(position) * frequency.value;
      const double spread = position * frequency.radius * (1 + 0x1p-40);
      const bool still = angle == 0 && spread == 0;
      Enclosed cosine = enclosed(cos(angle)), sine = enclosed(sin(angle));
      cosine.radius = still ? 0 : cosine.radius + spread;
      sine.radius = still ? 0 : sine.radius + spread;
      table.cos.push_back(cosine);
      table.sin.push_back(sine);
    }
  }
  return table;
}

template Values<Enclosed> evaluate<Enclosed>(const Evaluation<Enclosed>&);

Values<Enclosed> evaluate_enclosed(const Problem& problem, const Recipe& recipe, const Values<Enclosed>& given,
                                   const Wanted& wanted) {
  precision::use_widest_exponents();
  return ExactSession<Enclosed, number>(problem, recipe, kernels::enclosed_kernels()).evaluate(given, wanted);
}

}  // namespace ulpscope::compressor
