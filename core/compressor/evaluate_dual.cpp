// SPDX-License-Identifier: Apache-2.0
// RoPE tables as constants, and the engine.
#include "core/compressor/evaluate_dual.hpp"

#include "core/compressor/evaluator.inl"
#include "core/compressor/exact_session.hpp"
#include "core/compressor/rope_table.hpp"

namespace ulpscope::compressor {
namespace {

DoubleDual number(double x) { return {x, 0}; }

std::vector<DoubleDual> constants(const std::vector<double>& values) {
  std::vector<DoubleDual> duals;
  duals.reserve(values.size());
  for (const double value : values) duals.push_back(number(value));
  return duals;
}

}  // namespace

template <>
std::vector<DoubleDual> rope_frequencies<DoubleDual>(const Config& config, const TableArithmetic& arithmetic) {
  return constants(rope_frequencies<double>(config, arithmetic));
}
template <>
RopeTable<DoubleDual> rope_table<DoubleDual>(const Config& config, const TableArithmetic& arithmetic,
                                             const std::vector<DoubleDual>& frequencies) {
  std::vector<double> values;
  values.reserve(frequencies.size());
  for (const DoubleDual& frequency : frequencies) values.push_back(frequency.value);
  const RopeTable<double> table = rope_table<double>(config, arithmetic, values);
  RopeTable<DoubleDual> duals{constants(table.cos), constants(table.sin)};
  for (std::size_t i = 0; i < duals.cos.size(); ++i) {
    const double position =
        static_cast<double>(config.rope->position_offset) + static_cast<double>(i / frequencies.size() * config.ratio);
    const double turn = position * frequencies[i % frequencies.size()].derivative;
    duals.cos[i].derivative = -duals.sin[i].value * turn;
    duals.sin[i].derivative = duals.cos[i].value * turn;
  }
  return duals;
}

template Values<DoubleDual> evaluate<DoubleDual>(const Evaluation<DoubleDual>&);

Values<DoubleDual> differentiate_double(const Problem& problem, const Recipe& recipe, const Values<DoubleDual>& given,
                                        const Wanted& wanted) {
  return ExactSession<DoubleDual, number>(problem, recipe, kernels::double_dual_kernels()).evaluate(given, wanted);
}

}  // namespace ulpscope::compressor
