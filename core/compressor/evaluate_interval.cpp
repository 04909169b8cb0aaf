// SPDX-License-Identifier: Apache-2.0
// RoPE tables as intervals, and the engine.
#include "core/compressor/evaluate_interval.hpp"

#include "core/compressor/evaluator.inl"
#include "core/compressor/exact_session.hpp"
#include "core/compressor/kernels/interval_set.hpp"
#include "core/compressor/rope_table_real.hpp"

namespace ulpscope::compressor {
namespace {

using precision::Interval;
using precision::Real;

/// x with what a dozen roundings at 266 bits may have cost it, relative to `scale`.
Interval around(const Real& x, const Real& scale) {
  const Real error = scale * Real(0x1p-200);
  return {Real(x - error), Real(x + error)};
}
Interval number(double x) { return Interval(x); }

}  // namespace

template <>
std::vector<Interval> rope_frequencies<Interval>(const Config& config, const TableArithmetic&) {
  std::vector<Interval> values;
  for (const Real& exact : real_frequencies(config, TableArithmetic{})) values.push_back(around(exact, exact));
  return values;
}

/// cos and sin move by no more than their angle does.
template <>
RopeTable<Interval> rope_table<Interval>(const Config& config, const TableArithmetic&,
                                         const std::vector<Interval>& frequencies) {
  RopeTable<Interval> table;
  for (std::size_t i = 0; i < config.windows(); ++i) {
    const Real position = Real(config.rope->position_offset) + Real(i * config.ratio);
    for (const Interval& frequency : frequencies) {
      const Real angle = position * ((frequency.low + frequency.high) / 2);
      const Real spread = position * (frequency.high - frequency.low) * Real(0x1p+200) + Real(1);
      table.cos.push_back(around(cos(angle), spread));
      table.sin.push_back(around(sin(angle), spread));
    }
  }
  return table;
}

template Values<Interval> evaluate<Interval>(const Evaluation<Interval>&);

Values<Interval> evaluate_interval(const Problem& problem, const Recipe& recipe, const Values<Interval>& given,
                                   const Wanted& wanted) {
  precision::use_widest_exponents();
  return ExactSession<Interval, number>(problem, recipe, kernels::interval_kernels()).evaluate(given, wanted);
}

}  // namespace ulpscope::compressor
