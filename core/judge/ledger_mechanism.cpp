// SPDX-License-Identifier: Apache-2.0
// One table of operations, and the order in which formats are asked: computation, storage, flushes.
#include "core/judge/ledger_mechanism.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <string_view>

#include "precision/rounding.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Direction;
using compressor::Name;
using compressor::Slot;
using precision::Format;

struct Operation {
  Mechanism tiny;      ///< the result is below what the format of the computation holds
  Mechanism rounding;  ///< it is not, and is 0
};

Operation forward_operation(Name name, compressor::Softmax softmax) {
  switch (name) {
    case Name::exp:
      return {Mechanism::exponential, Mechanism::exponential};
    case Name::softmax:
      if (softmax == compressor::Softmax::log_softmax) return {Mechanism::exponential, Mechanism::exponential};
      return {Mechanism::division, Mechanism::division};
    case Name::products:
    case Name::mean_square:
    case Name::normalized:
    case Name::normed:
      return {Mechanism::product, Mechanism::product};
    case Name::quantized:
      return {Mechanism::quantize, Mechanism::quantize};
    case Name::shifted:
      return {Mechanism::cancellation, Mechanism::cancellation};
    case Name::weights:
    case Name::values:
    case Name::padded_gate:
    case Name::row_max:
    case Name::output:
      return {Mechanism::storage, Mechanism::storage};
    default:
      return {Mechanism::sum, Mechanism::sum};
  }
}

Operation backward_operation(Name name) {
  switch (name) {
    case Name::logits:
    case Name::pooled:
      return {Mechanism::product, Mechanism::cancellation};
    case Name::weights:
    case Name::values:
    case Name::normed:
    case Name::normalized:
    case Name::output:
      return {Mechanism::product, Mechanism::product};
    case Name::products:
    case Name::kv:
    case Name::gate:
    case Name::biased:
    case Name::padded_gate:
    case Name::prior_kv:
    case Name::prior_gate:
      return {Mechanism::storage, Mechanism::storage};
    default:
      return {Mechanism::sum, Mechanism::sum};
  }
}

Operation operation_of(Slot slot, compressor::Stage writer, compressor::Softmax softmax) {
  if (slot.direction == Direction::forward) return forward_operation(slot.name, softmax);
  if (writer == compressor::Stage::rotate || writer == compressor::Stage::hadamard)
    return {Mechanism::sum, Mechanism::sum};
  if (writer == compressor::Stage::quantize) return {Mechanism::storage, Mechanism::storage};
  return backward_operation(slot.name);
}

Format without_flushes(Format format) {
  format.flush_results = format.flush_inputs = false;
  return format;
}

/// Sums are rounded to the accumulator as they grow.
const Format& computing_format(const compressor::SlotArithmetic& arithmetic, Mechanism operation) {
  return operation == Mechanism::sum || arithmetic.compute_exact ? arithmetic.accumulate : arithmetic.compute;
}

/// In which format a move finds its values; inputs: in that of the slot.
Format moved_format(Slot slot, const Replayer& replayer, const Format& storage) {
  const auto& reads = replayer.graph().reads(slot);
  const bool computed = !reads.empty() && replayer.graph().computes(reads.front());
  return computed ? replayer.plan().at(reads.front()).storage : storage;
}

/// grad.hidden adds what two stages have written.
bool adds_numbers_of(const Format& format, Slot slot, const Replayer& replayer) {
  const auto& reads = replayer.graph().reads(slot);
  return slot == compressor::gradient(Name::hidden) && std::all_of(reads.begin(), reads.end(), [&](Slot read) {
           return replayer.graph().computes(read) && without_flushes(replayer.plan().at(read).storage) == format;
         });
}

/// The largest magnitude that is brought to 0: rounding is monotone, and magnitudes are in the order of their bits.
double last_zero(const std::function<bool(double)>& is_zero) {
  std::uint64_t zero = 0;
  std::uint64_t other = std::bit_cast<std::uint64_t>(1.0);
  if (is_zero(1)) other = std::bit_cast<std::uint64_t>(HUGE_VAL);
  while (other - zero > 1) {
    const std::uint64_t middle = zero + (other - zero) / 2;
    (is_zero(std::bit_cast<double>(middle)) ? zero : other) = middle;
  }
  return std::bit_cast<double>(zero);
}

}  // namespace

std::string_view to_string(Mechanism mechanism) {
  constexpr std::array<std::string_view, 11> names{"exp",          "division",   "product",    "sum",
                                                   "cancellation", "storage",    "flush",      "quantize",
                                                   "saturation",   "absorption", "unexplained"};
  return names[static_cast<std::size_t>(mechanism)];
}

std::string_view to_string(Effect effect) {
  constexpr std::array<std::string_view, 4> names{"zero", "subnormal", "clamped", "absorbed"};
  return names[static_cast<std::size_t>(effect)];
}

SlotMechanism::SlotMechanism(Slot slot, const Replayer& replayer, const compressor::Recipe& recipe) {
  const compressor::Plan& plan = replayer.plan();
  const Operation operation = operation_of(slot, plan.writer(slot), recipe.softmax);
  operation_ = operation.tiny;
  steps_ = {operation.tiny, Mechanism::storage, Mechanism::flush, operation.rounding};
  const compressor::SlotArithmetic& arithmetic = plan.at(slot);
  storage_ = arithmetic.storage;
  unflushed_ = without_flushes(storage_);
  if (storage_.saturate || storage_.special == precision::Special::none) clamp_ = storage_.max_finite;
  Format computing = computing_format(arithmetic, operation_);
  if (operation_ == Mechanism::storage) computing = moved_format(slot, replayer, storage_);
  compute_ = without_flushes(computing);
  flushes_results_ = computing.flush_results || storage_.flush_results;
  flushes_inputs_ = computing.flush_inputs || arithmetic.accumulate.flush_inputs;
  // Pads come from the recipe.
  const bool has_pads = slot.direction == Direction::forward && compressor::has_window_rows(slot.name);
  keeps_values_ = operation_ == Mechanism::storage && compute_ == unflushed_ && !flushes_results_ && !flushes_inputs_ &&
                  (!has_pads || slot.name == Name::weights);
  adds_exact_zeros_ = !flushes_results_ && !flushes_inputs_ && adds_numbers_of(unflushed_, slot, replayer) &&
                      precision::min_subnormal(compute_) <= precision::min_subnormal(storage_);
  normal_ = precision::min_normal(storage_);
  computed_normal_ = precision::min_normal(compute_);
  if (computed_normal_ < normal_) asked_below_ = normal_;
}

/// Those that become 0 in the computation, once stored, by a flush.
const std::array<StepEnds, 2>& SlotMechanism::find_ends() const {
  ends_.emplace();
  for (const double sign : {1.0, -1.0}) {
    const double computed_zero = last_zero([&](double x) { return computed(sign * x) == 0; });
    const double stored_zero =
        last_zero([&](double x) { return precision::round(computed(sign * x), unflushed_) == 0; });
    double flushed = flushes_results_ ? std::max(normal_, computed_normal_) : stored_zero;
    if (flushes_inputs_) flushed = HUGE_VAL;
    (*ends_)[std::signbit(sign)] = {computed_zero, stored_zero, std::max(stored_zero, flushed)};
  }
  return *ends_;
}

double SlotMechanism::computed(double exact) const {
  return operation_ == Mechanism::storage ? exact : precision::round(exact, compute_);
}

/// Before it was stored it was beyond the last number that is stored as 0, and less than two places of the format away.
void SlotMechanism::set_error(double error) {
  if (asked_below_ == 0) return;
  const double end = computed_normal_ + error;
  const double least = std::min(zero_ends()[0][1], zero_ends()[1][1]);
  asked_below_ = least >= end ? 0 : std::min(asked_below_, end + 2 * precision::min_subnormal(storage_));
}

std::optional<Mechanism> SlotMechanism::of_subnormal(double exact) const {
  if (computed_normal_ < normal_ && std::fabs(exact) >= computed_normal_) return Mechanism::storage;
  return operation_ == Mechanism::storage ? std::nullopt : std::optional(operation_);
}

}  // namespace ulpscope::judge
