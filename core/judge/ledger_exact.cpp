// SPDX-License-Identifier: Apache-2.0
// The engine recomputes whole slots; a few elements of a matrix product are cheaper one by one.
#include "core/judge/ledger_exact.hpp"

#include <limits>

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

Tensor ExactStages::input(Name name) const {
  const Tensor& given = problem_.input(name);
  const auto format = replayer_.plan().input_format(name);
  if (!format) return given;
  const precision::Rounder<double> rounder(*format);
  std::vector<double> values = compressor::to_doubles(given);
  for (double& value : values) value = rounder(value);
  return {given.shape, std::move(values), io::DType::f64};
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
  std::vector<double> values;
  values.reserve(elements.size());
  std::vector<double> row(dot.terms);
  std::size_t held = std::numeric_limits<std::size_t>::max();
  bool is_zero = true;  // rows of tokens that no window holds
  for (const std::size_t element : elements) {
    if (element / dot.columns != held) {
      held = element / dot.columns;
      is_zero = true;
      for (std::size_t i = 0; i < dot.terms; ++i) {
        row[i] = dot.a.at(held * dot.a_row + i * dot.a_step);
        is_zero = is_zero && row[i] == 0;
      }
    }
    double sum = 0;
    const std::size_t column = element % dot.columns * dot.b_column;
    for (std::size_t i = 0; !is_zero && i < dot.terms; ++i) sum += row[i] * dot.b.at(column + i * dot.b_step);
    values.push_back(sum);
  }
  return values;
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
