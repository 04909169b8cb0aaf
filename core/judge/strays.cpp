// SPDX-License-Identifier: Apache-2.0
// Finding what is not finite, and putting something finite in its place.
#include "core/judge/strays.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "precision/rounding.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Direction;
using compressor::Name;
using compressor::Slot;
using compressor::Tensor;

/// The indices of a tensor's elements that are not finite.
std::vector<std::size_t> nonfinite_of(const Tensor& tensor) {
  std::vector<std::size_t> found;
  std::visit(
      [&](const auto& values) {
        std::size_t count = 0;  // most slots hold none, some nothing else
        for (std::size_t i = 0; i < values.size(); ++i) count += std::isfinite(values[i]) ? 0U : 1U;
        if (count == 0) return;
        found.reserve(count);
        for (std::size_t i = 0; i < values.size(); ++i) {
          if (!std::isfinite(values[i])) found.push_back(i);
        }
      },
      tensor.data);
  return found;
}

bool is_arithmetic_input(Name name) { return name != Name::attention_mask && name != Name::segment_ids; }

/// The indices of elements that are not finite once they are rounded to the format, where there is one: a magnitude
/// that the format has stays one.
std::vector<std::size_t> nonfinite_as_read(const Tensor& tensor, const std::optional<precision::Format>& format) {
  if (!format) return nonfinite_of(tensor);
  std::vector<std::size_t> found;
  std::visit(
      [&](const auto& values) {
        for (std::size_t i = 0; i < values.size(); ++i) {
          const auto x = static_cast<double>(values[i]);
          if (std::fabs(x) <= format->max_finite) continue;
          if (!std::isfinite(precision::round(x, *format))) found.push_back(i);
        }
      },
      tensor.data);
  return found;
}

}  // namespace

bool is_stray(double run, double truth, Direction direction) {
  if (!std::isinf(run)) return std::isnan(run);
  return direction == Direction::backward || (run != truth && !std::isnan(truth));
}

std::vector<std::size_t> strays_in(Slot slot, const Tensor& tensor, const Tensor* truth) {
  const bool comparable = truth != nullptr && truth->size() == tensor.size();
  std::vector<std::size_t> found = nonfinite_of(tensor);
  std::erase_if(found, [&](std::size_t i) {
    const double run = tensor.at(i);
    return !is_stray(run, comparable ? truth->at(i) : run, slot.direction);
  });
  return found;
}

Strays strays_of(const compressor::Tape& tape, const compressor::Tape& truth) {
  Strays strays;
  for (const auto& [slot, record] : tape.records()) {
    const compressor::Record* exact = truth.find(slot);
    auto found = strays_in(slot, record.tensor, exact != nullptr ? &exact->tensor : nullptr);
    if (!found.empty()) strays.emplace(slot, std::move(found));
  }
  return strays;
}

Strays stray_inputs(const compressor::Problem& problem, const compressor::Plan& plan) {
  Strays strays;
  for (const auto& [name, tensor] : problem.inputs) {
    if (!is_arithmetic_input(name)) continue;
    std::vector<std::size_t> found = nonfinite_as_read(tensor, plan.input_format(name));
    if (!found.empty()) strays.emplace(compressor::forward(name), std::move(found));
  }
  return strays;
}

double healed(double truth, const precision::Format& format) {
  return std::fabs(truth) <= format.max_finite ? truth : 1;
}

Tensor replaced(const Tensor& tensor, const std::map<std::size_t, double>& values) {
  std::vector<double> all = compressor::to_doubles(tensor);
  for (const auto& [index, value] : values) all.at(index) = value;
  return {tensor.shape, std::move(all), io::DType::f64};
}

compressor::Problem healed(const compressor::Problem& problem, const Strays& strays, const compressor::Plan& plan) {
  compressor::Problem out = problem;
  for (const auto& [slot, indices] : strays) {
    const Tensor& tensor = problem.input(slot.name);
    const auto format = plan.input_format(slot.name);
    std::map<std::size_t, double> values;
    for (const std::size_t i : indices) {
      values[i] = std::isfinite(tensor.at(i)) ? healed(tensor.at(i), *format) : 1;
    }
    out.inputs[slot.name] = replaced(tensor, values);
  }
  return out;
}

}  // namespace ulpscope::judge
