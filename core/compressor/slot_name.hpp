// SPDX-License-Identifier: Apache-2.0
// The names of all tensors of a run, as numbers: no strings, no containers. Host and device.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace ulpscope::compressor {

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

}  // namespace ulpscope::compressor
