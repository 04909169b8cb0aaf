// SPDX-License-Identifier: Apache-2.0
// Births: which strays come from no other stray. Internal to core/judge; see nonfinite.md.
#pragma once

#include <cstdint>
#include <vector>

#include "core/compressor/graph.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/run.hpp"
#include "core/judge/stray_product.hpp"
#include "core/judge/strays.hpp"

namespace ulpscope::judge {

/// A run, or a dump as far as it goes, with what is claimed of it: the references must outlive their users.
struct Suspect {
  const compressor::Problem& problem;
  const compressor::Recipe& recipe;
  const compressor::Tape& tape;
  const compressor::Tape& truth;
};

/// Of the stage's arithmetic on sound operands; held by the input itself (or by its rounding); or by the run where the
/// recipe, on the run's own operands, gives a finite value.
enum class Origin : std::uint8_t { arithmetic, input, foreign };

/// The births of one slot that are alike.
struct BirthGroup {
  compressor::Slot slot;
  Origin origin = Origin::arithmetic;
  bool at_pad = false;   ///< the softmax slots hold no token, and the slot is where pads enter
  double value = 0;      ///< NaN, inf or -inf: what the first of them holds
  IndexRanges elements;  ///< flat
};

/// What all certificates of a run stand on. Where nothing is a stray it holds nothing and costs one scan.
class Births {
 public:
  Births(const Suspect& suspect, unsigned threads);

  const std::vector<BirthGroup>& groups() const { return groups_; }  ///< in program order
  const Strays& strays() const { return strays_; }                   ///< of inputs too
  /// The suspect's slots, and those that it does not hold but others were computed from, by the recipe.
  const compressor::Tape& tape() const { return tape_; }
  const compressor::Graph& graph() const { return graph_; }
  const compressor::Plan& plan() const { return plan_; }
  const Suspect& suspect() const { return suspect_; }
  unsigned threads() const { return threads_; }

  /// What a slot's stage reads: as the run holds it (foreign births are judged by it), or sound: as it would be if no
  /// stray had been born before.
  compressor::Tape reads(compressor::Slot slot) const { return reads_in(tape_, slot); }
  compressor::Tape sound_reads(compressor::Slot slot) const { return reads_in(sound_, slot); }
  const compressor::Problem& sound_problem() const { return sound_problem_; }
  /// The slot computed by the recipe from such reads.
  compressor::Tensor computed(compressor::Slot slot, const compressor::Problem& problem,
                              const compressor::Tape& reads) const;

 private:
  compressor::RunOptions options(compressor::Slot slot) const;
  void complete();
  void find_in_inputs();
  void find_in(compressor::Slot slot);
  const compressor::Tensor* truth_of(compressor::Slot slot) const;  ///< null: it has none
  StrayProduct own_product(compressor::Slot slot) const;
  StrayProduct sound_product(compressor::Slot slot) const;
  bool is_passed_on(compressor::Slot slot, const IndexRanges& strays) const;
  bool are_few(const IndexRanges& strays) const;
  void pass_on(compressor::Slot slot, const IndexRanges& strays);
  compressor::Tensor from_own(compressor::Slot slot, const IndexRanges& strays) const;
  compressor::Tensor from_sound(compressor::Slot slot, const IndexRanges& strays) const;
  compressor::Tape reads_in(const compressor::Tape& tape, compressor::Slot slot) const;
  bool is_tainted(compressor::Slot slot) const;
  bool is_pad(compressor::Slot slot, std::size_t element) const;
  void add(const BirthGroup& birth, std::size_t element);

  const Suspect& suspect_;
  unsigned threads_;
  compressor::Plan plan_;
  compressor::Graph graph_;
  std::vector<std::uint8_t> padded_;
  compressor::Tape tape_;
  compressor::Tape sound_;  ///< the tape with every birth healed, and what it led to computed anew
  compressor::Problem sound_problem_;
  std::array<bool, compressor::slot_count> changed_{};  ///< sound_ is not tape_; of inputs: they were healed
  mutable FactorScans scans_;
  Strays strays_;
  std::vector<BirthGroup> groups_;
};

}  // namespace ulpscope::judge
