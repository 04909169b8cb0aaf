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
using compressor::Name;
using compressor::Slot;
using compressor::Tape;
using compressor::Tensor;
using Elements = std::vector<std::size_t>;

/// Beyond this share of a product's elements the whole product is faster.
constexpr std::size_t sparse_share = 64;

}  // namespace

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
  const std::lock_guard lock(inputs_mutex_);
  const auto [place, is_new] = inputs_.try_emplace(name);
  if (is_new) place->second = rounded(given, *format);
  return place->second;
}

/// Each is a factor of two products.
const LineSquares& ExactStages::squares(const ProductFactor& factor) const {
  const Tensor tensor = known(factor.slot);
  const std::lock_guard lock(squares_mutex_);
  const auto [place, is_new] = squares_.try_emplace(factor.slot);
  if (is_new) place->second = line_squares(tensor, factor.width, 1);
  return place->second;
}

namespace {

double longest(const ProductFactor& factor, const LineSquares& squares) {
  const std::vector<double>& of = factor.lines == Lines::rows ? squares.rows : squares.columns;
  return of.empty() ? 0 : std::sqrt(*std::max_element(of.begin(), of.end()));
}

}  // namespace

std::optional<double> ExactStages::product_error(Slot slot) const {
  const auto product = product_of(slot, replayer_.plan().config());
  if (!product) return std::nullopt;
  const double norms =
      longest(product->left, squares(product->left)) * longest(product->right, squares(product->right));
  const compressor::SlotArithmetic& arithmetic = replayer_.plan().at(slot);
  double error = 0;
  for (const precision::Format* format : {&arithmetic.compute, &arithmetic.accumulate}) {
    if (format == &arithmetic.compute && arithmetic.compute_exact) continue;
    // Any rounding mode: two units.
    const SumError of_sum = sum_error(product->terms, *format, 2 * precision::unit_roundoff(*format));
    error += of_sum.relative * norms + of_sum.absolute;
  }
  return error;
}

std::optional<std::vector<double>> ExactStages::of_product(const SlotProduct& product, const Elements& elements,
                                                           const Settled& settled) const {
  const std::size_t few = product.rows * product.columns / sparse_share;
  const ProductElements by_element(product, known(product.left.slot), known(product.right.slot));
  if (elements.size() <= few) return by_element.sums(elements);
  if (!settled) return std::nullopt;
  const auto estimate = by_element.estimate(squares(product.left), squares(product.right));
  if (!estimate) return std::nullopt;
  std::vector<double> values(elements.size());
  std::vector<std::size_t> places;
  Elements open;
  for (std::size_t k = 0; k < elements.size(); ++k) {
    values[k] = estimate->value(elements[k]);
    const double error = estimate->error(elements[k]);
    if (settled(k, values[k] - error, values[k] + error)) continue;
    places.push_back(k);
    open.push_back(elements[k]);
  }
  if (open.size() > few) return std::nullopt;
  const std::vector<double> sums = by_element.sums(open);
  for (std::size_t k = 0; k < open.size(); ++k) values[places[k]] = sums[k];
  return values;
}

Tensor ExactStages::whole(Slot slot) const {
  const std::lock_guard lock(engine_mutex_);
  const Tape reads = replayer_.reads_of(slot);
  if (slot == forward(Name::quantized)) return reads.find(replayer_.graph().reads(slot).front())->tensor;
  return replayer_.exact(slot, reads);
}

std::vector<double> ExactStages::at(Slot slot, const Elements& elements, const Settled& settled) const {
  std::vector<double> values;
  if (elements.empty()) return values;
  values.reserve(elements.size());
  if (const auto rule = elements_.rule(slot)) {
    for (const std::size_t element : elements) values.push_back((*rule)(element));
    return values;
  }
  if (const auto product = product_of(slot, replayer_.plan().config())) {
    if (auto found = of_product(*product, elements, settled)) return std::move(*found);
  }
  const Tensor exact = whole(slot);
  for (const std::size_t element : elements) values.push_back(exact.at(element));
  return values;
}

}  // namespace ulpscope::judge
