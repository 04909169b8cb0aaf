// SPDX-License-Identifier: Apache-2.0
// Absorption: how many bits of the bias the sum of gate and bias keeps, channel by channel. Internal to core/judge.
#pragma once

#include <optional>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/tape.hpp"
#include "core/judge/ledger_line.hpp"
#include "core/judge/ledger_rows.hpp"

namespace ulpscope::judge {

/// The sum of a pipeline: biased = gate + ape (bias_first, rows of tokens), logits = padded_gate + ape (pad_first, rows
/// of softmax slots). A sum may hold fewer tokens than the gate: whole windows.
struct BiasRows {
  compressor::Slot slot;  ///< biased, or logits
  const compressor::Tensor& sum;
  const compressor::Tensor& gate;
  const compressor::Tensor& ape;  ///< [ratio, c*d], as the recipe reads it
  precision::Format ape_format;
  precision::Format sum_format;
};

/// absorbed elements: those whose sum is the gate, though the bias is not 0.
struct Absorption {
  BiasAccount account;
  std::uint64_t absorbed = 0;
};
/// Nothing where no element has a token and a bias that is not 0.
///
/// A bias a of p bits has its last place at 2^(e(a) - p + 1); what stands below the last place of the sum s is lost:
/// clamp(e(last place of s) - e(last place of a), 0, p) bits, and all p where s is the gate.
std::optional<Absorption> bias_account(const BiasRows& rows, const compressor::Config& config, const WindowGrid& grid);

}  // namespace ulpscope::judge
