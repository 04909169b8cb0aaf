// SPDX-License-Identifier: Apache-2.0
// The windows with pads that studies make: CSA's first window, 4 pads in front of 4 tokens, 16 channels.
#pragma once

#include <string>

#include "core/studies/windows.hpp"

namespace ulpscope::studies {

/// partial: gates N(0, 1.5); above_pad: the tokens' gates stand 10 above the pad's value, as the recipe stores it;
/// all_masked: pads only.
enum class PadRow : std::uint8_t { partial, above_pad, all_masked };
/// Throws std::invalid_argument.
PadRow parse_pad_row(const std::string& word);

/// What `values` holds at pads: the recipe's pad.kv, or numbers as tokens have them (a mask that acts on gates only).
enum class PadKv : std::uint8_t { of_recipe, data };

struct PadWindow {
  PadRow row = PadRow::partial;
  PadKv kv = PadKv::of_recipe;
  std::uint64_t seed = 0;
};

/// kv and cotangent N(0, 1), ape N(0, 0.5), all bf16 values. above_pad: gates that are not finite where the pad is not.
Start start_of(const PadWindow& window, const compressor::Recipe& recipe);

}  // namespace ulpscope::studies
