// SPDX-License-Identifier: Apache-2.0
// The engine recomputes whole slots; a few elements of a matrix product are cheaper one by one.
#include "core/judge/ledger_exact.hpp"

#include <algorithm>
#include <array>
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

/// Lots of stochastic formats are drawn by place in the whole.
GivenFactor ExactStages::given(const ProductFactor& factor) const {
  const auto [name, direction] = factor.slot;
  if (direction == Direction::backward || !compressor::is_input(name)) return {known(factor.slot), std::nullopt};
  const auto format = replayer_.plan().input_format(name);
  const bool by_lot = format && format->mode == precision::RoundingMode::stochastic;
  return by_lot ? GivenFactor{input(name), std::nullopt} : GivenFactor{problem_.input(name), format};
}

namespace {

/// A bound of the sum of squares of `count` values once they are rounded, in any mode, from that of the values.
double once_rounded(double squares, std::size_t count, const precision::Format& format) {
  const double norm = (1 + 2 * precision::unit_roundoff(format)) * std::sqrt(squares) +
                      std::sqrt(static_cast<double>(count)) * precision::min_subnormal(format);
  return norm <= format.max_finite ? norm * norm : HUGE_VAL;
}

}  // namespace

/// Each is a factor of two products.
const LineSquares& ExactStages::squares(const ProductFactor& factor) const {
  const GivenFactor matrix = given(factor);
  const std::lock_guard lock(squares_mutex_);
  const auto [place, is_new] = squares_.try_emplace(factor.slot);
  LineSquares& squares = place->second;
  if (!is_new) return squares;
  squares = line_squares(matrix.tensor, factor.width, 1);
  if (!matrix.format) return squares;
  for (double& row : squares.rows) row = once_rounded(row, factor.width, *matrix.format);
  for (double& column : squares.columns) column = once_rounded(column, squares.rows.size(), *matrix.format);
  return squares;
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

Tensor ExactStages::whole(Slot slot) const {
  const std::lock_guard lock(engine_mutex_);
  const Tape reads = replayer_.reads_of(slot);
  if (slot == forward(Name::quantized)) return reads.find(replayer_.graph().reads(slot).front())->tensor;
  return replayer_.exact(slot, reads);
}

namespace {

/// `exact` gives an element.
template <class F>
void answer_each(Inquiry& inquiry, F&& exact) {
  std::array<double, inquiry_block> values{};
  const std::array<double, inquiry_block> errors{};
  for (std::size_t first = 0; first < inquiry.size(); first += inquiry_block) {
    const Neighbours asked = inquiry.find(first, std::min(inquiry_block, inquiry.size() - first));
    if (asked == 0) continue;
    for_each_place(asked, [&](std::size_t place) { values[place] = exact(first + place); });
    inquiry.take({first, asked, values.data(), errors.data()});
  }
}

}  // namespace

void ExactStages::answer(Slot slot, Inquiry& inquiry) const {
  if (inquiry.count() == 0) return;
  if (const auto rule = elements_.rule(slot)) return answer_each(inquiry, *rule);
  if (const auto product = product_of(slot, replayer_.plan().config()))
    return answer_product({*product, given(product->left), given(product->right),
                           [&]() -> const LineSquares& { return squares(product->right); }},
                          inquiry);
  const Tensor exact = whole(slot);
  answer_each(inquiry, [&exact](std::size_t element) { return exact.at(element); });
}

}  // namespace ulpscope::judge
