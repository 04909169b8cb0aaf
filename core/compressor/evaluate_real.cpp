// SPDX-License-Identifier: Apache-2.0
// The engine in MPFR and in dual numbers over MPFR.
#include "core/compressor/evaluate_real.hpp"

#include <optional>

#include "core/compressor/evaluator.inl"
#include "core/compressor/rope_table_real.hpp"
#include "core/io/error.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::compressor {
namespace {

using precision::Real;

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

namespace {

const kernels::KernelSet<Real>& kernels_of(const Real*) { return kernels::real_kernels(); }
const kernels::KernelSet<RealDual>& kernels_of(const RealDual*) { return kernels::real_dual_kernels(); }

/// A recipe on a problem, in T, with the inputs that were converted for it.
template <class T>
class RealSession {
 public:
  RealSession(const Problem& problem, const Recipe& recipe)
      : problem_(problem),
        recipe_(recipe),
        plan_(recipe, problem.config),
        graph_(recipe, plan_, {problem.has(Name::prior_kv) && problem.has(Name::prior_gate)}),
        padded_(padded_slots(problem, plan_.config(), recipe)) {}

  Values<T> evaluate(const Values<T>& given, const Wanted& wanted) {
    Evaluation<T> evaluation;
    evaluation.recipe = &recipe_;
    evaluation.plan = &plan_;
    evaluation.graph = &graph_;
    evaluation.kernels = &kernels_of(static_cast<const T*>(nullptr));
    evaluation.padded = &padded_;
    evaluation.wanted = wanted.slots;
    evaluation.threads = wanted.threads;
    std::array<bool, slot_count> known{};
    for (const auto& [slot, values] : given) known[slot.index()] = true;
    for (const Slot slot : wanted.slots) {
      if (!graph_.computes(slot))
        throw InputError("recipe '" + recipe_.name + "' does not compute slot '" + to_string(slot) + "'");
      known[slot.index()] = false;
    }
    for (const Slot slot : graph_.need(wanted.slots, known).leaves) {
      evaluation.given[slot.index()] = known[slot.index()] ? checked(slot, given.at(slot)) : input(slot);
    }
    return compressor::evaluate(evaluation);
  }

 private:
  const T* checked(Slot slot, const std::vector<T>& values) const {
    const Shape shape = shape_of(slot, plan_.config());
    if (values.size() == element_count(shape)) return values.data();
    throw InputError("given slot '" + to_string(slot) + "' has " + std::to_string(values.size()) +
                     " values, but its shape is " + to_string(shape));
  }

  const T* input(Slot slot) {
    if (slot.direction != Direction::forward || !problem_.has(slot.name)) {
      throw InputError("slot '" + to_string(slot) + "' is needed, but neither the problem nor the given slots hold it");
    }
    const Tensor& tensor = problem_.input(slot.name);
    const std::optional<precision::Format> format = plan_.input_format(slot.name);
    std::vector<T>& values = inputs_[slot];
    values.reserve(tensor.size());
    for (std::size_t i = 0; i < tensor.size(); ++i) {
      values.push_back(T{Real(format ? precision::round(tensor.at(i), *format) : tensor.at(i))});
    }
    return values.data();
  }

  const Problem& problem_;
  const Recipe& recipe_;
  Plan plan_;
  Graph graph_;
  std::vector<std::uint8_t> padded_;
  Values<T> inputs_;
};

}  // namespace

template Values<Real> evaluate<Real>(const Evaluation<Real>&);
template Values<RealDual> evaluate<RealDual>(const Evaluation<RealDual>&);

Values<Real> evaluate_real(const Problem& problem, const Recipe& recipe, const Values<Real>& given,
                           const Wanted& wanted) {
  precision::use_widest_exponents();
  return RealSession<Real>(problem, recipe).evaluate(given, wanted);
}

Values<RealDual> differentiate_real(const Problem& problem, const Recipe& recipe, const Values<RealDual>& given,
                                    const Wanted& wanted) {
  precision::use_widest_exponents();
  return RealSession<RealDual>(problem, recipe).evaluate(given, wanted);
}

}  // namespace ulpscope::compressor
