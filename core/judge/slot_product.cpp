// SPDX-License-Identifier: Apache-2.0
// Three products for each of the two projections: forward, by its input, by its weights.
#include "core/judge/slot_product.hpp"

#include <cmath>

namespace ulpscope::judge {

using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Slot;

bool is_of_kv(Slot slot) { return slot.name == Name::kv || slot.name == Name::w_kv || slot.name == Name::hidden_kv; }

bool is_matrix_product(Slot slot) {
  const bool forward = slot.direction == compressor::Direction::forward;
  switch (slot.name) {
    case Name::kv:
    case Name::gate:
      return forward;
    case Name::w_kv:
    case Name::w_gate:
    case Name::hidden_kv:
    case Name::hidden_gate:
      return !forward;
    default:
      return false;
  }
}

std::optional<SlotProduct> product_of(Slot slot, const compressor::Config& config) {
  if (!is_matrix_product(slot)) return std::nullopt;
  const std::size_t h = config.hidden;
  const std::size_t f = config.features();
  const std::size_t tokens = config.batch * config.seq;
  const Slot hidden = forward(Name::hidden);
  const Slot weights = forward(is_of_kv(slot) ? Name::w_kv : Name::w_gate);
  const Slot above = gradient(is_of_kv(slot) ? Name::kv : Name::gate);
  if (slot.direction == compressor::Direction::forward)
    return SlotProduct{{hidden, h, Lines::rows}, {weights, h, Lines::rows}, tokens, h, f};
  if (slot.name == Name::hidden_kv || slot.name == Name::hidden_gate)
    return SlotProduct{{above, f, Lines::rows}, {weights, h, Lines::columns}, tokens, f, h};
  return SlotProduct{{above, f, Lines::columns}, {hidden, h, Lines::columns}, f, tokens, h};
}

SumError sum_error(std::size_t terms, const precision::Format& format, double unit) {
  const auto count = static_cast<double>(terms);
  return {std::expm1((count + 1) * unit), count * precision::min_normal(format)};
}

}  // namespace ulpscope::judge
