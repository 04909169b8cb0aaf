// SPDX-License-Identifier: Apache-2.0
// The engine recomputes whole slots; a few elements of a matrix product are cheaper one by one.
#include "core/judge/ledger_exact.hpp"

#include <algorithm>
#include <cmath>

#include "precision/round_array.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Direction;
using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Slot;
using compressor::Tape;
using compressor::Tensor;
using Elements = std::vector<std::size_t>;

/// Beyond this share of a product's elements the engine's kernels are faster.
constexpr std::size_t sparse_share = 64;

}  // namespace

struct ExactStages::Dot {
  Tensor a;
  Tensor b;
  std::size_t terms = 0;
  std::size_t columns = 0;  ///< of the product: element = row * columns + column
  std::size_t a_row = 0, a_step = 0;
  std::size_t b_column = 0, b_step = 0;
};

ExactStages::ExactStages(const compressor::Problem& problem, const compressor::Recipe& recipe, const Replayer& replayer,
                         const Tape& given)
    : problem_(problem),
      replayer_(replayer),
      given_(given),
      elements_(problem, recipe, replayer, [this](Slot slot) { return known(slot); }) {}

bool ExactStages::reads_are_kept(Slot slot) const {
  for (const Slot read : replayer_.graph().reads(slot)) {
    if (replayer_.graph().computes(read) && !given_.has(read)) return false;
  }
  return true;
}

Tensor ExactStages::known(Slot slot) const {
  if (slot.direction == Direction::forward && compressor::is_input(slot.name)) return input(slot.name);
  const compressor::Record* record = given_.find(slot);
  return record != nullptr ? record->tensor : replayer_.value(slot);
}

namespace {

Tensor rounded(const Tensor& given, const precision::Format& format) {
  const auto* const floats = std::get_if<io::Buffer<float>>(&given.data);
  if (floats != nullptr && precision::Rounder<float>::supports(format)) {
    std::vector<float> values(floats->size());
    precision::round_array({floats->data(), floats->size()}, values, format);
    return {given.shape, std::move(values), given.dtype};
  }
  std::vector<double> values = compressor::to_doubles(given);
  precision::round_array(values, values, format);
  return {given.shape, std::move(values), io::DType::f64};
}

}  // namespace

Tensor ExactStages::input(Name name) const {
  const Tensor& given = problem_.input(name);
  const auto format = replayer_.plan().input_format(name);
  if (!format) return given;
  const auto [place, is_new] = inputs_.try_emplace(name);
  if (is_new) place->second = rounded(given, *format);
  return place->second;
}

/// The six matrix products of semantics (S1) and their VJPs.
std::optional<ExactStages::Dot> ExactStages::dot_of(Slot slot) const {
  const compressor::Config& config = replayer_.plan().config();
  const std::size_t h = config.hidden;
  const std::size_t f = config.features();
  const std::size_t tokens = config.batch * config.seq;
  const bool is_kv = slot.name == Name::kv || slot.name == Name::w_kv || slot.name == Name::hidden_kv;
  const Name weights = is_kv ? Name::w_kv : Name::w_gate;
  const Slot above = gradient(is_kv ? Name::kv : Name::gate);
  if (slot == forward(Name::kv) || slot == forward(Name::gate))
    return Dot{input(Name::hidden), input(weights), h, f, h, 1, h, 1};
  if (slot == gradient(Name::hidden_kv) || slot == gradient(Name::hidden_gate))
    return Dot{known(above), input(weights), f, h, f, 1, 1, h};
  if (slot == gradient(Name::w_kv) || slot == gradient(Name::w_gate))
    return Dot{known(above), input(Name::hidden), tokens, h, 1, f, 1, h};
  return std::nullopt;
}

std::vector<double> ExactStages::dots(const Dot& dot, const Elements& elements) const {
  const Values a(dot.a);
  const Values b(dot.b);
  std::vector<double> values(elements.size());
  std::size_t first = 0;
  while (first < elements.size()) {  // row by row: each term of a row meets all columns that are asked for
    const std::size_t row = elements[first] / dot.columns;
    std::size_t last = first;
    while (last < elements.size() && elements[last] / dot.columns == row) ++last;
    bool is_zero = true;  // rows of tokens that no window holds
    for (std::size_t i = 0; i < dot.terms; ++i) is_zero = is_zero && a[row * dot.a_row + i * dot.a_step] == 0;
    for (std::size_t i = 0; !is_zero && i < dot.terms; ++i) {
      const double factor = a[row * dot.a_row + i * dot.a_step];
      for (std::size_t k = first; k < last; ++k)
        values[k] += factor * b[elements[k] % dot.columns * dot.b_column + i * dot.b_step];
    }
    first = last;
  }
  return values;
}

namespace {

/// The largest sum of squares along a matrix's last dimension (`step` 1: its rows), or along the one before.
double largest_squares(const Tensor& tensor, std::size_t step) {
  const Values values(tensor);
  const std::size_t width = tensor.shape.back();
  const std::size_t rows = tensor.size() / width;
  std::vector<double> sums(step == 1 ? rows : width);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < width; ++i) {
      const double value = values[row * width + i];
      sums[step == 1 ? row : i] += value * value;
    }
  }
  return sums.empty() ? 0 : *std::max_element(sums.begin(), sums.end());
}

}  // namespace

std::optional<double> ExactStages::product_error(Slot slot) const {
  const auto dot = dot_of(slot);
  if (!dot) return std::nullopt;
  const double left = largest_squares(dot->a, dot->a_step);
  const double right = largest_squares(dot->b, dot->b_step);
  const compressor::SlotArithmetic& arithmetic = replayer_.plan().at(slot);
  const auto terms = static_cast<double>(dot->terms);
  double error = 0;
  for (const precision::Format* format : {&arithmetic.compute, &arithmetic.accumulate}) {
    if (format == &arithmetic.compute && arithmetic.compute_exact) continue;
    error += std::expm1((terms + 1) * 2 * precision::unit_roundoff(*format)) * std::sqrt(left * right);
    error += terms * precision::min_normal(*format);
  }
  return error;
}

Tensor ExactStages::whole(Slot slot) const {
  const Tape reads = replayer_.reads_of(slot);
  if (slot == forward(Name::quantized)) return reads.find(replayer_.graph().reads(slot).front())->tensor;
  return replayer_.exact(slot, reads);
}

std::vector<double> ExactStages::at(Slot slot, const Elements& elements) const {
  std::vector<double> values;
  if (elements.empty()) return values;
  values.reserve(elements.size());
  if (const auto rule = elements_.rule(slot)) {
    for (const std::size_t element : elements) values.push_back((*rule)(element));
    return values;
  }
  const std::size_t size = compressor::element_count(compressor::shape_of(slot, replayer_.plan().config()));
  if (elements.size() <= size / sparse_share) {
    if (const auto dot = dot_of(slot)) return dots(*dot, elements);
  }
  const Tensor exact = whole(slot);
  for (const std::size_t element : elements) values.push_back(exact.at(element));
  return values;
}

}  // namespace ulpscope::judge
