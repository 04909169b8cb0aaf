// SPDX-License-Identifier: Apache-2.0
// By which mechanism an element was lost: the formats of its slot, asked one after the other. Internal to core/judge.
#pragma once

#include <array>
#include <cmath>
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
  /// Whether of_subnormal asks for the exact value.
  bool subnormals_need_exact() const { return compute_.emin < storage_.emin && !held_; }
  /// What the stage computes is this close to its exact value: a subnormal number may then have but one cause.
  void set_error(double error);
  /// Whether the formats alone bring an exact value to 0, flushes included; where not, the stage's own roundings did
  /// (of_zero still names them), or the value is not the recipe's.
  bool formats_give_zero(double exact) const;
  /// The value can only be a clamped one.
  bool is_clamped(double value, double exact) const { return std::fabs(value) == clamp_ && std::fabs(exact) > clamp_; }
  /// The largest finite number of the format, where values beyond it are clamped to it; else infinity.
  double clamp() const { return clamp_; }
  const precision::Format& storage() const { return storage_; }

 private:
  double computed(double exact) const;
  bool flushes_result(double exact) const;
  bool computed_is_zero(double exact) const { return std::fabs(exact) <= points().computed[std::signbit(exact)]; }
  bool stored_is_zero(double exact) const { return std::fabs(exact) <= points().stored[std::signbit(exact)]; }
  /// The largest magnitudes, of positive and negative values, that become 0 in the computation, and once stored.
  struct Points {
    std::array<double, 2> computed{};
    std::array<double, 2> stored{};
  };
  const Points& points() const;

  Mechanism operation_;  ///< where the format of the computation does not hold the value
  Mechanism rounding_;   ///< where its roundings brought it to 0 all the same
  double clamp_ = HUGE_VAL;
  bool held_ = false;  ///< whatever is stored as a subnormal number was a normal one of the computation
  bool flushes_results_ = false;
  bool flushes_inputs_ = false;
  precision::Format compute_;  ///< without flushes
  precision::Format storage_;
  precision::Format unflushed_;           ///< storage_ without flushes
  mutable std::optional<Points> points_;  ///< most slots lose nothing, and never ask
};

}  // namespace ulpscope::judge
