// SPDX-License-Identifier: Apache-2.0
// The arithmetic of one slot, resolved: formats, orders and variants; and what a plan says beside it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/compressor/algorithms.hpp"
#include "core/compressor/slot_name.hpp"
#include "precision/exp_variant.hpp"
#include "precision/format.hpp"
#include "precision/summation_spec.hpp"

namespace ulpscope::compressor {

/// Everything that the arithmetic of ONE slot needs. For a gradient: of the backward step that writes it.
struct SlotArithmetic {
  precision::Format compute;     ///< what each operation rounds to; with compute_exact: `accumulate`
  bool compute_exact = false;    ///< a product reaches its sum unrounded (FMA)
  precision::Format accumulate;  ///< the running sum
  precision::Format storage;     ///< what the slot's values are rounded to; an elided cast is resolved already
  bool materialize = true;       ///< false: the recipe elides the cast, and `storage` is what the value was carried in
  precision::Format branches;    ///< what each addend is rounded to before it is added; default: `compute`
  precision::Summation summation{};
  precision::ExpChoice exp{};
  Division division = Division::div;
  Rsqrt rsqrt = Rsqrt::correct;
  SoftmaxVjp softmax_vjp = SoftmaxVjp::y_times_g_minus_s;
  NormVjp norm_vjp = NormVjp::closed;
  MaxGradient max_gradient = MaxGradient::stop;
  Saved saved = Saved::computed;
};

/// By Slot::index.
using SlotArithmetics = std::array<SlotArithmetic, slot_count>;

struct QuantizeRule {
  precision::Format format;  ///< of the quantised elements: the config's
  ScaleRule scale = ScaleRule::pow2_ceil;
  double floor = 1e-4;
  FloorOf floor_of = FloorOf::amax;
  Ties ties = Ties::even;
};

/// Online softmax: slots per tile, and the format that the state is rounded to after each tile.
struct Online {
  std::size_t tile = 1;
  precision::Format state;
};

/// What stands in a slot that has no token, rounded to pad.format and then to the slot that receives it.
struct PadValues {
  double gate = 0;        ///< in logits (bias_first) or padded_gate (pad_first); -inf where it is excluded
  double kv = 0;          ///< in values
  bool excluded = false;  ///< "exclude": the softmax and the sums skip the slot
};

/// Whether a slot's operations draw random numbers.
inline bool is_random(const SlotArithmetic& slot) {
  const auto drawn = [](const precision::Format& format) { return format.mode == precision::RoundingMode::stochastic; };
  return drawn(slot.compute) || drawn(slot.accumulate) || drawn(slot.storage) || drawn(slot.branches);
}

/// The compiled kind that carries a plan: the fastest one in which every rounding of the recipe is exact.
enum class Kind : std::uint8_t { native_float, native_double, emulated_float, emulated_double };

}  // namespace ulpscope::compressor
