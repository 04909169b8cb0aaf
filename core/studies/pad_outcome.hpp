// SPDX-License-Identifier: Apache-2.0
// What became of the windows that hold pads, in words and numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/compressor/config.hpp"
#include "core/compressor/tape.hpp"

namespace ulpscope::studies {

/// A run of a problem some of whose windows hold pads; the others are not looked at.
class PaddedRun {
 public:
  /// `padded`: [B*n*L], 1 where a slot holds no token.
  PaddedRun(const compressor::Tape& tape, const compressor::Config& config, const std::vector<std::uint8_t>& padded);

  /// The worst over windows and channels, in this order: "NaN" or "Inf" in a weight or in `pooled`; "all 0": no slot
  /// weighs anything; "leak": pads beside tokens weigh; "sum < 1": they weigh in the denominator only, by more than the
  /// rounding of a weight; "uniform", "weighs pads": nothing but pads, all alike or not; "pad 0": pads weigh exactly 0.
  std::string forward_class() const;
  /// "NaN", "Inf" in a gradient of the logits or of the tokens' values; "pads move": a pad's logit has a gradient; "0":
  /// no gradient anywhere; else "finite".
  std::string gradient_class() const;
  /// The largest sum of the weights of a window's pads beside tokens, over windows and channels; where no window has
  /// both, of pads alone.
  double pad_mass() const;
  /// Root of the mean squared difference in `pooled`, or in a slot of [.., L, d] pads included.
  double distance(const PaddedRun& other, compressor::Slot slot) const;

 private:
  struct Row {
    std::size_t window = 0;
    std::size_t channel = 0;
  };
  std::string row_class(const Row& row) const;
  std::string gradient_row_class(const Row& row) const;
  double at(compressor::Slot slot, const Row& row, std::size_t r) const;
  double mass_of(const Row& row) const;
  bool is_pad(const Row& row, std::size_t r) const { return padded_[row.window * slots_ + r] != 0; }
  template <class Classify>
  std::string worst(const std::vector<std::string>& order, Classify classify) const;

  const compressor::Tape& tape_;
  std::size_t slots_;
  std::size_t channels_;
  const std::vector<std::uint8_t>& padded_;
  std::vector<Row> rows_;  ///< every channel of every window with a pad
};

}  // namespace ulpscope::studies
