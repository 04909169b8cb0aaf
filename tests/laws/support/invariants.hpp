// SPDX-License-Identifier: Apache-2.0
// What holds exactly in exact arithmetic, whatever the inputs: residuals of any run's slots, taken in MPFR.
#pragma once

#include <string>
#include <vector>

#include "core/compressor/evaluate_real.hpp"
#include "core/compressor/tape.hpp"

namespace ulpscope::test {

using precision::Real;

/// A violated equality, the largest over windows and channels, relative to the sum of its absolute terms.
struct Residual {
  std::string name;
  Real value;
  /// In units of the last place of a format with unit roundoff u: the worst case is growth(roundings) = ku / (1 - ku).
  std::size_t roundings;
};

/// Slots of a run that computes in one format; pads are exact (-inf), softmax `shifted`.
class Invariants {
 public:
  Invariants(const compressor::Problem& problem, const compressor::Recipe& recipe, compressor::Values<Real> slots);

  /// 1 sum w = 1; 2 sum dz = 0; 3 sum dv = dC; 4 sum dP = 0; 5 C in the hull of V; 6 C . dC = rho^3 eps (q . C).
  std::vector<Residual> residuals() const;
  /// The slots that residuals() reads.
  static std::vector<compressor::Slot> slots();

 private:
  using Slot = compressor::Slot;
  const Real& at(Slot slot, std::size_t row, std::size_t channel) const;
  Real weighted_cotangents(std::size_t window, std::size_t channel) const;
  Real mass(std::size_t window, std::size_t channel) const;
  Real logit_gradients(std::size_t window, std::size_t channel) const;
  Real value_gradients(std::size_t window, std::size_t channel) const;
  Real outside_hull(std::size_t window, std::size_t channel) const;
  Real bias_gradients(std::size_t channel) const;
  Real radial(std::size_t window) const;
  Real largest(Real (Invariants::*residual)(std::size_t, std::size_t) const) const;

  compressor::Config config_;
  compressor::Values<Real> slots_;
  std::vector<std::uint8_t> padded_;
};

/// Every value of a tape, exactly.
compressor::Values<Real> in_real(const compressor::Tape& tape, const std::vector<compressor::Slot>& slots);

}  // namespace ulpscope::test
