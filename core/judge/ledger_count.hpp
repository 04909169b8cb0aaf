// SPDX-License-Identifier: Apache-2.0
// Counts of one slot: what is 0, subnormal or clamped, and by which mechanism. Internal to core/judge.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "core/judge/array_loops.hpp"
#include "core/judge/ledger_line.hpp"
#include "core/judge/ledger_mechanism.hpp"
#include "core/judge/ledger_rows.hpp"
#include "core/judge/replay.hpp"

namespace ulpscope::judge {

class SlotCount {
 public:
  /// One pass over the tensor, which must outlive this.
  SlotCount(compressor::Slot slot, const compressor::Tensor& found, SlotMechanism mechanism);

  /// The counts.
  const LedgerLine& line() const { return line_; }
  /// So many numbers are subnormal, each of which may have more than one cause, that the stage's error is worth
  /// knowing.
  bool has_many_subnormals() const;
  void set_error(double error) { mechanism_.set_error(error); }
  /// Of a run: nothing is to be asked of a stage that keeps what it moves.
  bool keeps_values() const { return mechanism_.keeps_values(); }
  /// Adds subnormal numbers to the candidates, where they may have more than one cause.
  void ask_subnormals();
  /// The flat elements whose exact stage tells what became of them: 0, clamped, subnormal ones; ascending.
  const std::vector<std::size_t>& candidates() const { return candidates_; }
  /// What the truth has where the run has 0.
  void add_truth(LedgerLine& line, const compressor::Tensor& truth) const;
  /// Whether a candidate's exact value between these ends means the same wherever it is.
  bool is_settled(std::size_t candidate, double low, double high) const;
  /// `exact`: the exact stage at the candidates, as far from it as is_settled allows. `pads`: of a slot with L rows a
  /// window, else null.
  void add_causes(LedgerLine& line, const std::vector<double>& exact, const WindowGrid* pads);
  /// Some zero follows from no format of the stage.
  bool is_doubtful() const { return !doubtful_.empty(); }
  /// Which of those the recipe does not give, its freedom of sums included.
  void add_unexplained(LedgerLine& line, const Replayed& replayed) const;

 private:
  /// What became of an element.
  struct Verdict {
    std::optional<Mechanism> how;  ///< nothing: no loss of this stage
    Effect effect = Effect::zero;
    bool is_doubtful = false;
    bool operator==(const Verdict&) const = default;
  };
  Verdict verdict(double found, double exact) const;
  Verdict verdict_of_zero(double exact) const;
  template <class T>
  void count(std::span<const T> values);
  template <class T>
  void add_candidates(const T* values, std::size_t first, const Ends<T>& ends);

  const compressor::Tensor& found_;
  Values values_;  ///< of found_
  SlotMechanism mechanism_;
  LedgerLine line_;
  std::vector<std::size_t> candidates_;
  bool has_zeros_only_ = true;  ///< they are all 0
  struct Doubt {
    std::size_t element;
    Mechanism mechanism;
  };
  std::vector<Doubt> doubtful_;
};

}  // namespace ulpscope::judge
