// SPDX-License-Identifier: Apache-2.0
// By which mechanism an element was lost: the formats of its slot, asked one after the other. Internal to core/judge.
#pragma once

#include <optional>

#include "core/compressor/recipe.hpp"
#include "core/judge/ledger_line.hpp"
#include "core/judge/replay.hpp"

namespace ulpscope::judge {

/// The stage of one slot rounds twice: to the format in which it computes (a move: in which it finds the value), and to
/// that in which the slot is stored.
class SlotMechanism {
 public:
  SlotMechanism(compressor::Slot slot, const Replayer& replayer, const compressor::Recipe& recipe);

  /// Of a zero whose exact value is not 0.
  Mechanism of_zero(double exact) const;
  /// Of a subnormal number; nothing: it is moved, and was subnormal before.
  std::optional<Mechanism> of_subnormal(double exact) const;
  /// Whether the formats alone bring an exact value to 0, flushes included; where not, the stage's own roundings did
  /// (of_zero still names them), or the value is not the recipe's.
  bool formats_give_zero(double exact) const;
  /// The value can only be a clamped one.
  bool is_clamped(double value, double exact) const;
  /// The largest finite number of the format, where values beyond it are clamped to it; else infinity.
  double clamp() const;
  const precision::Format& storage() const { return storage_; }

 private:
  double computed(double exact) const;
  bool flushes_result(double exact) const;

  Mechanism operation_;  ///< where the format of the computation does not hold the value
  Mechanism rounding_;   ///< where its roundings brought it to 0 all the same
  bool flushes_results_ = false;
  bool flushes_inputs_ = false;
  precision::Format compute_;  ///< without flushes
  precision::Format storage_;
  precision::Format unflushed_;  ///< storage_ without flushes
};

/// Whether the slot holds an exponential, which no finite argument makes 0 in exact arithmetic.
bool is_exponential(compressor::Slot slot, compressor::Softmax softmax);

}  // namespace ulpscope::judge
