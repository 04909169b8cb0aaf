// SPDX-License-Identifier: Apache-2.0
// The VJP law <J v, u> = <v, J' u>: J v by dual numbers over MPFR, J' u by the engine's backward, both from one point.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "core/compressor/evaluate_real.hpp"
#include "core/compressor/run.hpp"

namespace ulpscope::test {

using precision::Real;

/// An input of a step, and the name under which the step writes its gradient (hidden has two branches).
struct StepInput {
  compressor::Name name;
  compressor::Name gradient;
};
/// A part of the forward as a function: slots `outputs` of slots `inputs`.
struct Step {
  std::string name;
  std::vector<compressor::Name> outputs;
  std::vector<StepInput> inputs;
};

/// <J v, u> and <v, J' u>.
struct LawSides {
  Real forward;
  Real backward;
};
/// |difference| / the larger side; NaN where a side is NaN, or both are too small for the law to mean anything.
Real relative_gap(const LawSides& sides);
/// "": the law holds to 1e-30. Else what does not.
std::string law_violation(const LawSides& sides);

/// A problem, a recipe, and all forward values: where the steps are differentiated.
class LawPoint {
 public:
  LawPoint(const compressor::Problem& problem, const compressor::Recipe& recipe);

  /// Every step that the recipe has on this problem, single stages first, the whole forward last; no quantizer.
  std::vector<Step> steps() const;
  Step step(const std::string& name) const;
  /// Random u and v from `seed`.
  LawSides sides(const Step& step, std::uint64_t seed) const;
  const compressor::Values<Real>& values() const { return values_; }

 private:
  void add_pool_steps(std::vector<Step>& steps) const;
  void add_entry_steps(std::vector<Step>& steps) const;
  bool has(const Step& step) const;

  const compressor::Problem& problem_;
  const compressor::Recipe& recipe_;
  compressor::Plan plan_;
  compressor::Graph graph_;
  compressor::Values<Real> values_;
};

/// Standard normals.
std::vector<Real> random_reals(std::size_t count, std::uint64_t seed);
Real inner_product(const std::vector<Real>& a, const std::vector<Real>& b);
/// The problem's input in MPFR.
std::vector<Real> real_input(const compressor::Problem& problem, compressor::Name name);

/// Tiny and complete: remainder, RoPE with YaRN, Hadamard, several windows and batch rows.
compressor::Config law_config(compressor::Mode mode);

}  // namespace ulpscope::test
