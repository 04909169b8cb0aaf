// SPDX-License-Identifier: Apache-2.0
// How far roundings may carry a run from an invariant: from the formats that are involved. Internal to core/judge.
#pragma once

#include <cstddef>
#include <vector>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/recipe.hpp"

namespace ulpscope::judge {

/// Worst cases, relative to the sum of absolute terms [Higham02, ch. 3], and the absolute part that underflow adds.
class InvariantBounds {
 public:
  InvariantBounds(const compressor::Recipe& recipe, const compressor::Plan& plan) : recipe_(recipe), plan_(plan) {}

  /// One rounding; directed modes may be off by a whole spacing.
  static double one(const precision::Format& format);
  /// What one rounding to the format, or reading by it, may lose to underflow.
  static double tiny(const precision::Format& format);

  double stored(compressor::Slot slot) const { return one(plan_.at(slot).storage); }
  double computed(compressor::Slot slot) const { return one(plan_.at(slot).compute); }
  /// Underflow of an operation of the slot's stage and of its storage.
  double tiny(compressor::Slot slot) const;
  /// ((1+u)^n - 1) for n terms; a tensor core's truncation for its own order.
  double summed(compressor::Slot slot, std::size_t terms) const;

  /// |sum of softmax - 1|, or of weights, of a window; `logits` are its finite ones, in order (only online reads them).
  double mass(compressor::Name name, const std::vector<double>& logits) const;
  /// Online: the relative error of its running sums.
  double online_scan(const std::vector<double>& logits) const;
  /// Relative, of each of the terms y g and y s of the softmax's VJP, and of their sum.
  double softmax_vjp() const;

  /// Whether a magnitude may come to a format of one of these slots that clamps it: then no rounding bound holds.
  bool clamps(double magnitude, std::initializer_list<compressor::Slot> slots) const;

 private:
  std::size_t length() const { return plan_.config().window_slots(); }
  bool online() const;

  const compressor::Recipe& recipe_;
  const compressor::Plan& plan_;
};

}  // namespace ulpscope::judge
