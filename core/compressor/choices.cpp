// SPDX-License-Identifier: Apache-2.0
// The tables of words.
#include "core/compressor/choices.hpp"

#include <array>

namespace ulpscope::compressor {

template <>
std::span<const Choice<Stage>> choices() {
  static constexpr std::array<Choice<Stage>, static_cast<std::size_t>(Stage::count)> table{{
      {"rope_table", Stage::rope_table, "frequencies, cos and sin of the positions"},
      {"project_kv", Stage::project_kv, "kv = hidden w_kv^T"},
      {"project_gate", Stage::project_gate, "gate = hidden w_gate^T"},
      {"bias", Stage::bias, "gate + ape"},
      {"window", Stage::window, "tokens to windows; pads enter here"},
      {"softmax", Stage::softmax, "weights over the slots of a window, channel by channel"},
      {"products", Stage::products, "weights times values"},
      {"pool", Stage::pool, "sum of the products over the slots"},
      {"normalize", Stage::normalize, "division by the root mean square over the channels"},
      {"scale", Stage::scale, "times gamma"},
      {"rotate", Stage::rotate, "RoPE on the last channels"},
      {"hadamard", Stage::hadamard, "orthonormal Walsh-Hadamard transform of the channels"},
      {"quantize", Stage::quantize, "quantise and dequantise in blocks of channels"},
      {"join_hidden", Stage::join_hidden, "backward: the sum of the two branches of grad.hidden"},
  }};
  return table;
}

template <>
std::span<const Choice<Pipeline>> choices() {
  static constexpr std::array<Choice<Pipeline>, 2> table{{
      {"bias_first", Pipeline::bias_first, "the bias is added to tokens, before overlap and pads (DeepSeek)"},
      {"pad_first", Pipeline::pad_first, "the bias is added to window slots, pads included (PR 3810)"},
  }};
  return table;
}

template <>
std::span<const Choice<Remainder>> choices() {
  static constexpr std::array<Choice<Remainder>, 3> table{{
      {"error", Remainder::error, "S must be a multiple of the ratio"},
      {"truncate", Remainder::truncate, "the last S mod ratio tokens are dropped"},
      {"buffer", Remainder::buffer, "they are kept as decode state"},
  }};
  return table;
}

template <>
std::span<const Choice<MaskPolicy>> choices() {
  static constexpr std::array<Choice<MaskPolicy>, 2> table{{
      {"ignore", MaskPolicy::ignore, "attention_mask is not read"},
      {"pad", MaskPolicy::pad, "a masked token's slots hold the pad"},
  }};
  return table;
}

template <>
std::span<const Choice<SegmentPolicy>> choices() {
  static constexpr std::array<Choice<SegmentPolicy>, 3> table{{
      {"ignore", SegmentPolicy::ignore, "segment_ids is not read"},
      {"previous_half", SegmentPolicy::previous_half, "another document's previous half holds the pad (MaxText)"},
      {"strict", SegmentPolicy::strict, "every slot of another document holds the pad"},
  }};
  return table;
}

template <>
std::span<const Choice<Softmax>> choices() {
  static constexpr std::array<Choice<Softmax>, 8> table{{
      {"naive", Softmax::naive, "exp(s) / sum exp(s), no shift"},
      {"shifted", Softmax::shifted, "exp(s - max) / sum exp(s - max)"},
      {"online", Softmax::online, "one pass in tiles with a running maximum and sum"},
      {"online_guarded", Softmax::online_guarded, "online, a maximum of -inf acts as 0"},
      {"log_softmax", Softmax::log_softmax, "exp(s - max - log sum exp(s - max))"},
      {"where_post", Softmax::where_post, "shifted, the weights of pads set to 0 afterwards"},
      {"double_where", Softmax::double_where, "pads replaced before the exponential and set to 0 afterwards"},
      {"where_arg", Softmax::where_arg, "the where= argument of jax.nn.softmax: pads leave maximum and sum"},
  }};
  return table;
}

template <>
std::span<const Choice<SoftmaxVjp>> choices() {
  static constexpr std::array<Choice<SoftmaxVjp>, 5> table{{
      {"y_times_g_minus_s", SoftmaxVjp::y_times_g_minus_s, "y * (g - s), s = sum y g (PyTorch)"},
      {"gy_minus_ys", SoftmaxVjp::gy_minus_ys, "g y - y s (JAX's custom rule)"},
      {"autodiff:jax_div", SoftmaxVjp::autodiff_jax_div, "e / sum e differentiated with JAX's rule of division"},
      {"autodiff:torch_div", SoftmaxVjp::autodiff_torch_div, "the same with PyTorch's rule"},
      {"autodiff:torch_two_exp", SoftmaxVjp::autodiff_torch_two_exp,
       "exp(s) / sum exp(s), the exponential written twice, PyTorch's rule"},
  }};
  return table;
}

template <>
std::span<const Choice<NormVjp>> choices() {
  static constexpr std::array<Choice<NormVjp>, 3> table{{
      {"closed", NormVjp::closed, "rho (q - u mean(q u))"},
      {"autodiff:torch", NormVjp::autodiff_torch, "step by step as PyTorch differentiates x * rsqrt(mean(x^2) + eps)"},
      {"autodiff:jax", NormVjp::autodiff_jax, "step by step as JAX does"},
  }};
  return table;
}

template <>
std::span<const Choice<MaxGradient>> choices() {
  static constexpr std::array<Choice<MaxGradient>, 2> table{{
      {"stop", MaxGradient::stop, "the shift is a constant"},
      {"through", MaxGradient::through, "the shift is differentiated; ties share"},
  }};
  return table;
}

template <>
std::span<const Choice<Division>> choices() {
  static constexpr std::array<Choice<Division>, 2> table{{
      {"div", Division::div, "a / b, rounded once"},
      {"reciprocal", Division::reciprocal, "a * (1 / b), both rounded"},
  }};
  return table;
}

template <>
std::span<const Choice<Rsqrt>> choices() {
  static constexpr std::array<Choice<Rsqrt>, 2> table{{
      {"correct", Rsqrt::correct, "x^-1/2, rounded once"},
      {"div_sqrt", Rsqrt::div_sqrt, "1 / sqrt(x), both rounded"},
  }};
  return table;
}

template <>
std::span<const Choice<Saved>> choices() {
  static constexpr std::array<Choice<Saved>, 2> table{{
      {"computed", Saved::computed, "the VJP reads the forward value before its cast"},
      {"stored", Saved::stored, "it reads what the slot stored"},
  }};
  return table;
}

template <>
std::span<const Choice<ScaleRule>> choices() {
  static constexpr std::array<Choice<ScaleRule>, 2> table{{
      {"pow2_ceil", ScaleRule::pow2_ceil, "2^ceil(log2(amax / max)), exact"},
      {"linear", ScaleRule::linear, "amax / max"},
  }};
  return table;
}

template <>
std::span<const Choice<Ties>> choices() {
  static constexpr std::array<Choice<Ties>, 3> table{{
      {"even", Ties::even, "to the even neighbour"},
      {"away", Ties::away, "away from zero"},
      {"toward_zero", Ties::toward_zero, "toward zero: strict thresholds"},
  }};
  return table;
}

template <>
std::span<const Choice<Butterfly>> choices() {
  static constexpr std::array<Choice<Butterfly>, 2> table{{
      {"ascending", Butterfly::ascending, "spans 1, 2, 4, ..., d/2"},
      {"descending", Butterfly::descending, "spans d/2, ..., 2, 1"},
  }};
  return table;
}

}  // namespace ulpscope::compressor
