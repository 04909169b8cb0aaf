// SPDX-License-Identifier: Apache-2.0
// Exact stages, asked element by element: what fp64 gives on the run's own inputs. Internal to core/judge.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "core/judge/inquiry.hpp"
#include "core/judge/ledger_element.hpp"
#include "core/judge/line_squares.hpp"
#include "core/judge/product_elements.hpp"
#include "core/judge/replay.hpp"

namespace ulpscope::judge {

/// What to do where the tape does not hold what a stage reads.
enum class Gaps : std::uint8_t {
  leave,   ///< say nothing of that stage: a run that keeps its results only
  replay,  ///< recompute it in the recipe from the nearest slots
};

/// Threads may ask for different slots at a time, where the tape holds what their stages read.
class ExactStages {
 public:
  /// The references must outlive this; `replayer` is that of `given`.
  ExactStages(const compressor::Problem& problem, const compressor::Recipe& recipe, const Replayer& replayer,
              const compressor::Tape& given);

  ExactStages(const ExactStages&) = delete;  // its rules point to it
  ExactStages& operator=(const ExactStages&) = delete;

  /// Whether the tape holds all that the slot's stage reads.
  bool reads_are_kept(compressor::Slot slot) const;
  /// The exact stage, answered where it is asked for. An exponential of a finite number is never 0: where fp64
  /// underflows too, it is fp64's smallest number. A quantiser's exact value is what it reads. Elements of a matrix
  /// product may be estimates.
  void answer(compressor::Slot slot, Inquiry& inquiry) const;
  /// How far the sum behind an element of a matrix product may be from its exact value before it is stored, in any
  /// order of the recipe's own arithmetic: ((1 + u)^(K + 1) - 1) ||row|| ||column||, the largest of both [Higham02, ch.
  /// 3], and what flushes and products below the format's range lose. Nothing for other slots.
  std::optional<double> product_error(compressor::Slot slot) const;
  /// A slot as the tape holds it, else as the recipe gives it from the nearest; an input as the recipe reads it.
  compressor::Tensor known(compressor::Slot slot) const;
  /// An input as the recipe reads it.
  compressor::Tensor input(compressor::Name name) const;
  const WindowGrid& grid() const { return elements_.grid(); }

 private:
  GivenFactor given(const ProductFactor& factor) const;
  const LineSquares& squares(const ProductFactor& factor) const;
  compressor::Tensor whole(compressor::Slot slot) const;

  const compressor::Problem& problem_;
  const Replayer& replayer_;
  const compressor::Tape& given_;
  ElementStages elements_;
  mutable std::mutex inputs_mutex_;
  mutable std::map<compressor::Name, compressor::Tensor> inputs_;  ///< as the recipe reads them, once asked for
  mutable std::mutex squares_mutex_;
  mutable std::map<compressor::Slot, LineSquares> squares_;  ///< of factors, once asked for
  mutable std::mutex engine_mutex_;                          ///< the replayer is one thread's at a time
};

}  // namespace ulpscope::judge
