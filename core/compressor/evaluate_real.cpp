// SPDX-License-Identifier: Apache-2.0
// The engine in MPFR and in dual numbers over MPFR.
#include "core/compressor/evaluate_real.hpp"

#include "core/compressor/evaluator.inl"
#include "core/compressor/exact_session.hpp"
#include "core/compressor/rope_table_real.hpp"

namespace ulpscope::compressor {
namespace {

using precision::Real;

Real real(double x) { return Real(x); }
RealDual constant(double x) { return RealDual{Real(x)}; }
const Real& value_of(const Real& x) { return x; }
const Real& value_of(const RealDual& x) { return x.value; }

template <class T>
std::vector<T> frequencies_in(const Config& config) {
  std::vector<T> values;
  for (const Real& exact : real_frequencies(config, TableArithmetic{})) values.push_back(T{exact});
  return values;
}

/// Tables are constants: nothing is differentiated through them.
template <class T>
RopeTable<T> table_in(const Config& config, const std::vector<T>& frequencies) {
  RopeTable<T> table;
  for (std::size_t i = 0; i < config.windows(); ++i) {
    const Real position = Real(config.rope->position_offset) + Real(i * config.ratio);
    for (const T& frequency : frequencies) {
      const Real angle = position * value_of(frequency);
      table.cos.push_back(T{cos(angle)});
      table.sin.push_back(T{sin(angle)});
    }
  }
  return table;
}

}  // namespace

template <>
std::vector<Real> rope_frequencies<Real>(const Config& config, const TableArithmetic&) {
  return frequencies_in<Real>(config);
}
template <>
RopeTable<Real> rope_table<Real>(const Config& config, const TableArithmetic&, const std::vector<Real>& frequencies) {
  return table_in(config, frequencies);
}
template <>
std::vector<RealDual> rope_frequencies<RealDual>(const Config& config, const TableArithmetic&) {
  return frequencies_in<RealDual>(config);
}
template <>
RopeTable<RealDual> rope_table<RealDual>(const Config& config, const TableArithmetic&,
                                         const std::vector<RealDual>& frequencies) {
  return table_in(config, frequencies);
}

template Values<Real> evaluate<Real>(const Evaluation<Real>&);
template Values<RealDual> evaluate<RealDual>(const Evaluation<RealDual>&);

Values<Real> evaluate_real(const Problem& problem, const Recipe& recipe, const Values<Real>& given,
                           const Wanted& wanted) {
  precision::use_widest_exponents();
  return ExactSession<Real, real>(problem, recipe, kernels::real_kernels()).evaluate(given, wanted);
}

Values<RealDual> differentiate_real(const Problem& problem, const Recipe& recipe, const Values<RealDual>& given,
                                    const Wanted& wanted) {
  precision::use_widest_exponents();
  return ExactSession<RealDual, constant>(problem, recipe, kernels::real_dual_kernels()).evaluate(given, wanted);
}

}  // namespace ulpscope::compressor
