// SPDX-License-Identifier: Apache-2.0
// The choices that a recipe leaves to an implementation, as data. Host and device: no strings, no containers.
#pragma once

#include <cstdint>

namespace ulpscope::compressor {

/// Where the bias is added: to tokens before they become windows, or to windows with their pads.
enum class Pipeline : std::uint8_t { bias_first, pad_first };

enum class Softmax : std::uint8_t {
  naive,
  shifted,
  online,
  online_guarded,
  log_softmax,
  where_post,
  double_where,
  where_arg
};
constexpr bool is_online(Softmax algorithm) {
  return algorithm == Softmax::online || algorithm == Softmax::online_guarded;
}
/// y*(g-s) [ATen] | g*y - y*s [JAX] | autodiff of e / sum e with JAX's or PyTorch's division rule, or with PyTorch's of
/// exp / sum exp that takes every exponential twice, once above and once below.
enum class SoftmaxVjp : std::uint8_t {
  y_times_g_minus_s,
  gy_minus_ys,
  autodiff_jax_div,
  autodiff_torch_div,
  autodiff_torch_two_exp
};
/// Of y and g alone; the others read exponentials and their sum.
constexpr bool is_closed(SoftmaxVjp vjp) {
  return vjp == SoftmaxVjp::y_times_g_minus_s || vjp == SoftmaxVjp::gy_minus_ys;
}
/// Whether the anchor max is differentiated.
enum class MaxGradient : std::uint8_t { stop, through };
enum class Division : std::uint8_t { div, reciprocal };
/// (x)^-1/2 rounded once, or 1 / fl(sqrt(x)).
enum class Rsqrt : std::uint8_t { correct, div_sqrt };
enum class NormVjp : std::uint8_t { closed, autodiff_torch, autodiff_jax };
/// Which forward value a VJP reads: as it was computed, or as its slot stored it.
enum class Saved : std::uint8_t { computed, stored };

/// scale of a block: 2^ceil(log2(amax / max)), or amax / max itself, max = the largest finite value of the format.
enum class ScaleRule : std::uint8_t { pow2_ceil, linear };
/// Which quantity the floor bounds from below: amax before the division, or the scale after it.
enum class FloorOf : std::uint8_t { amax, scale };
/// Where a value half way between two neighbours goes.
enum class Ties : std::uint8_t { even, away, toward_zero };

/// Spans of the Hadamard butterflies: 1, 2, 4, ... or d/2, d/4, ..., 1.
enum class Butterfly : std::uint8_t { ascending, descending };

}  // namespace ulpscope::compressor
