// SPDX-License-Identifier: Apache-2.0
// By which mechanism an element was lost: the formats of its slot, asked one after the other. Internal to core/judge.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "core/compressor/recipe.hpp"
#include "core/judge/array_loops.hpp"
#include "core/judge/ledger_line.hpp"
#include "core/judge/replay.hpp"

namespace ulpscope::judge {

/// The stage of one slot rounds twice: to the format in which it computes (a move: in which it finds the value), and to
/// that in which the slot is stored.
class SlotMechanism {
 public:
  SlotMechanism(compressor::Slot slot, const Replayer& replayer, const compressor::Recipe& recipe);

  /// Why a number whose exact value is not 0 became 0. Steps: in the computation, in storage, by a flush; in the last,
  /// the formats alone do not explain it: the stage's own roundings do, or the value is not the recipe's.
  Mechanism of_step(std::size_t step) const { return steps_[step]; }
  /// Of positive values, and of negative ones.
  const std::array<StepEnds, 2>& zero_ends() const { return ends_ ? *ends_ : find_ends(); }
  /// Of a subnormal number; nothing: it is moved, and was subnormal before.
  std::optional<Mechanism> of_subnormal(double exact) const;
  /// A subnormal number below this may have been one before it was stored: its exact value decides. Of any other,
  /// of_subnormal(infinity) tells the cause.
  double asked_below() const { return asked_below_; }
  /// What the stage computes is this close to its exact value: fewer numbers need to be asked.
  void set_error(double error);
  /// A run only moves values that the slot's format holds: the stage loses none.
  bool keeps_values() const { return keeps_values_; }
  /// A run adds two numbers of the slot's own format, whose sum is a multiple of its least number: no zero is lost.
  bool adds_exact_zeros() const { return adds_exact_zeros_; }
  /// The value can only be a clamped one.
  bool is_clamped(double value, double exact) const { return std::fabs(value) == clamp_ && std::fabs(exact) > clamp_; }
  /// The largest finite number of the format, where values beyond it are clamped to it; else infinity.
  double clamp() const { return clamp_; }
  const precision::Format& storage() const { return storage_; }
  /// The least normal number that is stored.
  double normal() const { return normal_; }

 private:
  double computed(double exact) const;
  const std::array<StepEnds, 2>& find_ends() const;

  Mechanism operation_;  ///< where the format of the computation does not hold the value
  std::array<Mechanism, loss_steps> steps_;
  double clamp_ = HUGE_VAL;
  bool keeps_values_ = false;
  bool adds_exact_zeros_ = false;
  double normal_ = 0;
  double computed_normal_ = 0;  ///< of the computation
  double asked_below_ = 0;
  bool flushes_results_ = false;
  bool flushes_inputs_ = false;
  precision::Format compute_;  ///< without flushes
  precision::Format storage_;
  precision::Format unflushed_;                          ///< storage_ without flushes
  mutable std::optional<std::array<StepEnds, 2>> ends_;  ///< most slots lose nothing, and never ask
};

}  // namespace ulpscope::judge
