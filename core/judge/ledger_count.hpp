// SPDX-License-Identifier: Apache-2.0
// Counts of one slot: what is 0, subnormal or clamped, and by which mechanism. Internal to core/judge.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/judge/array_loops.hpp"
#include "core/judge/inquiry.hpp"
#include "core/judge/ledger_line.hpp"
#include "core/judge/ledger_mechanism.hpp"
#include "core/judge/ledger_rows.hpp"
#include "core/judge/replay.hpp"

namespace ulpscope::judge {

/// By mechanism and effect, until they are written into a line.
class CauseCounts {
 public:
  std::uint64_t& of(Mechanism mechanism, Effect effect) {
    return counts_[static_cast<std::size_t>(mechanism)][static_cast<std::size_t>(effect)];
  }
  std::vector<Cause> list() const;

 private:
  static constexpr std::size_t mechanisms = static_cast<std::size_t>(Mechanism::unexplained) + 1;
  static constexpr std::size_t effects = static_cast<std::size_t>(Effect::absorbed) + 1;
  std::array<std::array<std::uint64_t, effects>, mechanisms> counts_{};
};

/// Asks the exact stage about zeros and clamped numbers, and about subnormal ones where ask_subnormals() was called.
class SlotCount final : public Inquiry {
 public:
  /// One pass over the tensor, which must outlive this, and over what is true (null, or of another size: not known).
  SlotCount(compressor::Slot slot, const compressor::Tensor& found, const compressor::Tensor* truth,
            SlotMechanism mechanism);

  /// The counts, and what the truth has where the run has 0.
  const LedgerLine& line() const { return line_; }
  /// So many numbers are subnormal, each of which may have more than one cause, that the stage's error is worth
  /// knowing.
  bool has_many_subnormals() const;
  void set_error(double error) { mechanism_.set_error(error); }
  /// Of a slot with L rows a window.
  void set_pads(const WindowGrid& pads) { pads_ = &pads; }
  /// Of a run: nothing is to be asked of a stage that keeps what it moves.
  bool keeps_values() const { return mechanism_.keeps_values(); }
  /// Of a run: no zero is asked for of a stage whose sums are multiples of what it can hold.
  void skip_exact_sums();
  /// Subnormal numbers too, where they may have more than one cause.
  void ask_subnormals();

  std::size_t size() const override { return found_.size(); }
  std::size_t count() const override { return asked_; }
  Neighbours find(std::size_t first, std::size_t size) const override;
  bool asks_zeros() const override { return !has_zeros_only_; }
  Neighbours take(const Answers& answers) override;

  /// What became of those that were asked for.
  void add_causes(LedgerLine& line);
  /// Some zero follows from no format of the stage.
  bool is_doubtful() const { return !doubtful_.empty(); }
  /// Which of those the recipe does not give, its freedom of sums included.
  void add_unexplained(LedgerLine& line, const Replayed& replayed) const;

 private:
  /// What the number became is the same within the error.
  bool take_number(double found, double exact, double error);
  Neighbours take_zeros(const Answers& answers);
  Neighbours tell(const Answers& answers, Neighbours some, LossSums& losses);
  Neighbours tell_one_sign(const Answers& answers, Neighbours some, const StepEnds& ends, LossSums& losses);
  template <class T, class U>
  void count_all(std::span<const T> values, std::span<const U> truth);
  template <class T>
  void ask_all(std::span<const T> values, double below);

  const ArrayLoops<double>& loops_ = array_loops<double>();
  const compressor::Tensor& found_;
  Values values_;  ///< of found_
  SlotMechanism mechanism_;
  const WindowGrid* pads_ = nullptr;
  LedgerLine line_;
  std::vector<Neighbours> asked_for_;  ///< whole blocks
  std::size_t asked_ = 0;
  bool has_zeros_only_ = true;  ///< all that is asked for

  CauseCounts causes_;  ///< of numbers
  LossSums losses_;     ///< of zeros
  LossSums losses_at_pads_;
  std::uint64_t told_subnormals_ = 0;  ///< those that were asked for
  std::vector<std::size_t> doubtful_;  ///< lost in the last step
};

}  // namespace ulpscope::judge
