// SPDX-License-Identifier: Apache-2.0
// Diagnoses of values: rounded or changed inputs, missing gradients, coarse storage, factors, and the plain pattern.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/compressor/run.hpp"
#include "core/judge/diagnosis.hpp"
#include "core/judge/slot_judge.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Direction;
using compressor::gradient;
using compressor::Name;
using compressor::Tensor;
using Doubles = std::vector<double>;

constexpr std::array<const char*, 5> coarse_formats{"bf16", "fp16", "tf32", "e4m3fn", "e5m2"};

Doubles rounded_to(const Tensor& tensor, const precision::Format& format) {
  Doubles values = compressor::to_doubles(tensor);
  for (double& value : values) value = precision::round(value, format);
  return values;
}

/// The inputs that the slot was replayed from.
std::vector<Name> inputs_read(const Case& unexplained) {
  std::vector<Name> names;
  for (const auto slot : unexplained.expected.from) {
    const bool input = slot.direction == Direction::forward && compressor::is_input(slot.name);
    if (input && unexplained.problem.has(slot.name)) names.push_back(slot.name);
  }
  return names;
}

bool explained_by_input(const Case& unexplained, Name input, Doubles values) {
  compressor::Problem problem = unexplained.problem;
  Tensor& tensor = problem.inputs[input];
  tensor = Tensor{tensor.shape, std::move(values), io::DType::f64};
  const auto alternative = replay_with(unexplained, problem, unexplained.given);
  return alternative && explains(unexplained, *alternative);
}

bool all_zero(const Tensor& tensor) {
  for (std::size_t i = 0; i < tensor.size(); ++i) {
    if (tensor.at(i) != 0) return false;
  }
  return tensor.size() != 0;
}

}  // namespace

std::optional<std::string> explain_input_rounding(const Case& unexplained) {
  for (const Name input : inputs_read(unexplained)) {
    const Tensor& tensor = unexplained.problem.input(input);
    for (const char* name : coarse_formats) {
      Doubles values = rounded_to(tensor, precision::parse_format(name));
      if (values == compressor::to_doubles(tensor)) continue;
      if (!explained_by_input(unexplained, input, std::move(values))) continue;
      return fmt::format("{} is explained by {} rounded to {}", unexplained.slot_name(), to_string(input), name);
    }
  }
  return std::nullopt;
}

std::optional<std::string> explain_input_change(const Case& unexplained) {
  for (const Name input : inputs_read(unexplained)) {
    const Tensor& tensor = unexplained.problem.input(input);
    const auto name = to_string(input);
    if (explained_by_input(unexplained, input, Doubles(tensor.size(), 0))) {
      return fmt::format("{} is explained by leaving {} out", unexplained.slot_name(), name);
    }
    if (explained_by_input(unexplained, input, Doubles(tensor.size(), 1))) {
      return fmt::format("{} is explained by {} being 1 everywhere", unexplained.slot_name(), name);
    }
    if (input != Name::ape) continue;
    const auto width = static_cast<std::ptrdiff_t>(tensor.shape.back());
    Doubles values = compressor::to_doubles(tensor);
    std::rotate(values.begin(), values.begin() + width, values.end());
    if (explained_by_input(unexplained, input, values)) {
      return fmt::format("{} is explained by ape shifted by one row: token j gets row j+1", unexplained.slot_name());
    }
    std::rotate(values.begin(), values.end() - 2 * width, values.end());
    if (explained_by_input(unexplained, input, values)) {
      return fmt::format("{} is explained by ape shifted by one row: token j gets row j-1", unexplained.slot_name());
    }
  }
  return std::nullopt;
}

std::optional<std::string> explain_no_gradient(const Case& unexplained) {
  if (unexplained.slot.direction != Direction::backward) return std::nullopt;
  struct Road {
    Name source;
    const char* what;
  };
  // Each road is cut at its source: what the recipe then gives is compared with what the dump holds.
  constexpr std::array<Road, 3> roads{{{Name::logits, "through the softmax weights"},
                                       {Name::values, "through the values"},
                                       {Name::normalized, "through the norm"}}};
  for (const Road& road : roads) {
    const auto source = gradient(road.source);
    if (!unexplained.replayer.graph().computes(source)) continue;
    compressor::Tape given = unexplained.given;
    const compressor::Shape shape = compressor::shape_of(source, unexplained.config());
    given.set(source, Tensor{shape, Doubles(compressor::element_count(shape), 0), io::DType::f64},
              unexplained.replayer.plan().at(source).storage);
    const auto alternative = replay_with(unexplained, unexplained.problem, given);
    if (!alternative || !explains(unexplained, *alternative)) continue;
    const bool zero = all_zero(unexplained.found);
    return fmt::format("{} {}: no gradient passes {}", unexplained.slot_name(),
                       zero ? "is 0 everywhere" : "holds the other branch alone", road.what);
  }
  if (!all_zero(unexplained.found)) return std::nullopt;
  return unexplained.slot_name() + " is 0 everywhere: no gradient reaches it";
}

std::optional<std::string> explain_identity(const Case& unexplained) {
  for (const auto read : unexplained.replayer.graph().reads(unexplained.slot)) {
    const compressor::Record* record = unexplained.given.find(read);
    if (record == nullptr || record->tensor.shape != unexplained.found.shape) continue;
    std::size_t equal = 0;
    for (std::size_t i = 0; i < unexplained.found.size(); ++i) {
      equal += same_value(unexplained.found.at(i), record->tensor.at(i));
    }
    if (equal != unexplained.found.size()) continue;
    return fmt::format("{} equals {}: stage {} did nothing", unexplained.slot_name(), compressor::to_string(read),
                       to_string(unexplained.replayer.plan().writer(unexplained.slot)));
  }
  return std::nullopt;
}

std::optional<std::string> explain_coarse_storage(const Case& unexplained) {
  const auto& storage = unexplained.replayer.plan().at(unexplained.slot).storage;
  for (const char* name : coarse_formats) {
    const auto format = precision::parse_format(name);
    if (format.precision >= storage.precision) continue;
    if (compressor::to_doubles(unexplained.found) != rounded_to(unexplained.found, format)) continue;
    const Ruler coarse(format);
    std::size_t near = 0;
    for (std::size_t i = 0; i < unexplained.found.size(); ++i) {
      const double found = unexplained.found.at(i);
      const double value = unexplained.expected.value.at(i);
      near += same_class(found, value) && (!std::isfinite(found) || coarse.distance(found, value) <= 1);
    }
    if (near * 1000 < unexplained.found.size() * 999) continue;
    return fmt::format(
        "every value of {} is a {} number within 1 ulp of what the recipe gives: it was stored in {}, not in {}",
        unexplained.slot_name(), name, name, storage.name);
  }
  return std::nullopt;
}

std::optional<std::string> explain_factor(const Case& unexplained) {
  std::vector<double> factors;
  for (const std::size_t i : unexplained.failing) {
    const double factor = unexplained.found.at(i) / unexplained.expected.value.at(i);
    if (std::isfinite(factor)) factors.push_back(factor);
  }
  if (factors.size() < 8) return std::nullopt;
  const auto middle = factors.begin() + static_cast<std::ptrdiff_t>(factors.size() / 2);
  std::nth_element(factors.begin(), middle, factors.end());
  const double factor = *middle;
  Doubles values = compressor::to_doubles(unexplained.expected.value);
  for (double& value : values) value *= factor;
  if (factor == 1 || !explains(unexplained, changed(unexplained, std::move(values)))) return std::nullopt;
  return fmt::format("{} is {:.6g} times what the recipe gives", unexplained.slot_name(), factor);
}

std::optional<std::string> describe_pattern(const Case& unexplained) {
  const std::size_t worst =
      most_telling(unexplained.failing, unexplained.found, unexplained.expected.value, unexplained.ruler);
  const double found = unexplained.found.at(worst);
  const double value = unexplained.expected.value.at(worst);
  std::string where = windows_of(unexplained);
  if (!rows_of(unexplained).empty()) where = rows_of(unexplained) + " of " + where;
  const std::string far = same_class(found, value) && std::isfinite(found)
                              ? fmt::format("by up to {:.3g} ulp", unexplained.ruler.distance(found, value))
                              : "in class";
  return fmt::format("{} of {} elements of {} differ {}{}{}", unexplained.failing.size(), unexplained.found.size(),
                     unexplained.slot_name(), far, where.empty() ? "" : ", in ", where);
}

}  // namespace ulpscope::judge
