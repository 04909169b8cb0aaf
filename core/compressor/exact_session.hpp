// SPDX-License-Identifier: Apache-2.0
// A recipe on a problem in a kind of numbers that no format rounds (MPFR, dual, enclosed, interval). Internal to
// core/compressor; included once per kind.
#pragma once

#include <optional>
#include <string>

#include "core/compressor/evaluate.hpp"
#include "core/compressor/evaluate_real.hpp"
#include "core/io/error.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::compressor {

/// Number: a double as a T, exactly. Inputs are converted as they are needed.
template <class T, T (*number)(double)>
class ExactSession {
 public:
  ExactSession(const Problem& problem, const Recipe& recipe, const kernels::KernelSet<T>& kernels)
      : problem_(problem),
        recipe_(recipe),
        kernels_(kernels),
        plan_(recipe, problem.config),
        graph_(recipe, plan_, {problem.has(Name::prior_kv) && problem.has(Name::prior_gate)}),
        padded_(padded_slots(problem, plan_.config(), recipe)) {}

  Values<T> evaluate(const Values<T>& given, const Wanted& wanted) {
    Evaluation<T> evaluation;
    evaluation.recipe = &recipe_;
    evaluation.plan = &plan_;
    evaluation.graph = &graph_;
    evaluation.kernels = &kernels_;
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
      values.push_back(number(format ? precision::round(tensor.at(i), *format) : tensor.at(i)));
    }
    return values.data();
  }

  const Problem& problem_;
  const Recipe& recipe_;
  const kernels::KernelSet<T>& kernels_;
  Plan plan_;
  Graph graph_;
  std::vector<std::uint8_t> padded_;
  Values<T> inputs_;
};

}  // namespace ulpscope::compressor
