// SPDX-License-Identifier: Apache-2.0
// Slots: the names of all tensors of a run, forward and backward, and their shapes [contract: slots].
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/compressor/config.hpp"

namespace ulpscope::compressor {

using Shape = std::vector<std::size_t>;

/// In program order: inputs first, then what each stage writes.
enum class Name : std::uint8_t {
  hidden,
  w_kv,
  w_gate,
  ape,
  gamma,
  cotangent,
  attention_mask,
  segment_ids,
  prior_kv,
  prior_gate,
  rope_frequencies,
  rope_cos,
  rope_sin,
  kv,
  gate,
  biased,
  padded_gate,
  values,
  logits,
  row_max,
  shifted,
  exp,
  denominator,
  log_denominator,
  softmax,
  weights,
  products,
  pooled,
  mean_square,
  normalized,
  normed,
  rotated,
  hadamard,
  quantized,
  output,
  hidden_kv,
  hidden_gate,  // backward only: the two branches that grad.hidden joins
  count
};
inline constexpr std::size_t name_count = static_cast<std::size_t>(Name::count);

enum class Direction : std::uint8_t { forward, backward };

/// A tensor of a run: a name, or its gradient ("grad." + name).
struct Slot {
  Name name = Name::hidden;
  Direction direction = Direction::forward;
  constexpr std::size_t index() const {
    return static_cast<std::size_t>(name) + (direction == Direction::backward ? name_count : 0);
  }
  auto operator<=>(const Slot&) const = default;
};
inline constexpr std::size_t slot_count = 2 * name_count;
constexpr Slot forward(Name name) { return {name, Direction::forward}; }
constexpr Slot gradient(Name name) { return {name, Direction::backward}; }

std::string_view to_string(Name name);
std::string to_string(Slot slot);
std::optional<Slot> find_slot(std::string_view text);
/// Throws InputError with the known names.
Slot parse_slot(std::string_view text);

/// Inputs that a problem must hold; the optional ones follow them in `Name`'s order.
bool is_input(Name name);
bool is_optional_input(Name name);
/// [B,S,h] and so on. A gradient has the shape of its slot.
Shape shape_of(Slot slot, const Config& config);
std::size_t element_count(const Shape& shape);
/// "[2,9,8,32]"
std::string to_string(const Shape& shape);
/// Index (i, j, ...) of a flat element.
std::vector<std::size_t> unravel(std::size_t flat, const Shape& shape);

/// The last of normed, rotated, hadamard, quantized that the config computes (pooled where norm is off).
Name last_forward_slot(const Config& config);

}  // namespace ulpscope::compressor
