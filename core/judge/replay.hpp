// SPDX-License-Identifier: Apache-2.0
// Replay: a slot recomputed in a recipe from the dump's own nearest slots, with the freedom that the recipe leaves
// open.
#pragma once

#include <optional>
#include <vector>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/graph.hpp"
#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/tape.hpp"

namespace ulpscope::judge {

/// What the recipe says a slot holds, element by element. Values in [low, high] are explained.
///
/// Freedom: the order in which a sum's K terms are added is not the recipe's to say (nor is which of the values within
/// 2 ulp a device's rsqrt takes: `normalized` is then as free as a sum of 4 terms). For a slot that is a sum, or holds
/// one inside (grad.logits, grad.pooled; a rotation is a sum of two), d = ((1 + u)^K - 1) * sum of |terms|, u of the
/// accumulator's format (plus K of its least normal number where it flushes), and [low, high] is [round(x - d), round(x
/// + d)], x the exact stage on the same inputs, joined with [value - d, value + d]. A sum on the way that the dump does
/// not hold (a denominator, pooled, a branch of grad.hidden) passes its own [low, high] on: the slot is replayed with
/// that sum at low, at high, toward 0 and away from 0, and the deviations of all such sums are added. This is first
/// order. Elsewhere d is 0. Operations that follow a sum inside a slot may round to the other side: d grows by 2 u of
/// the compute format, of the slot's value and of what it adds up.
///
/// Single roundings: two elements of a sum that is stored coarsely, each near a tie, may move a slot either way and
/// cancel in all four patterns, and one that moves a whole window makes many elements lean on d at once. Where elements
/// fail, `shift_by_few` looks for a few elements on the way whose other end explains all of them together.
///
/// Coarse sums: first order holds no more where the sums on the way may differ by more than 1/64 of their terms (128 of
/// them in bf16 by all). What a replay through such sums does not explain is left open: `decisive` is false.
///
/// The cap: an element is ambiguous where [low, high] holds a second value of the storage format, so that d would pass
/// either. Ambiguity itself is no fault: where storage is as fine as the accumulator nearly every element is ambiguous,
/// and honest bf16 gradients are too (d is a worst case). What is capped is leaning on it: elements more than 1 ulp off
/// that only an ambiguous d passes. Where storage is coarser than the accumulator they are sums that cancel, rare (at
/// most 4 in 10,000 elements of any golden run), so beyond `leaning_cap` = 1% of a slot they fail. Elsewhere the order
/// of a sum moves more than the last bit of most elements, and the bound is all that can be asked: no cap (1).
struct Replayed {
  compressor::Tensor value;
  std::vector<compressor::Slot> from;
  std::vector<double> freedom;  ///< d, the deviations of sums on the way included
  std::vector<double> low;
  std::vector<double> high;
  double leaning_cap = 1;  ///< fraction of elements that may lean on d
  bool decisive = true;    ///< false: coarse sums on the way
};

/// An element of a slot that fails by its replay.
struct Unexplained {
  std::size_t element;  ///< flat, of the whole slot
  double found;
  double ulp;  ///< of what was found, in the slot's storage format
  double low;  ///< what the replay explains
  double high;
};

class Replayer {
 public:
  /// The references must outlive this. To be asked by one thread at a time.
  Replayer(const compressor::Problem& problem, const compressor::Recipe& recipe, const compressor::Tape& given,
           unsigned threads);

  /// `given` without the slot itself; InputError where the recipe does not compute it.
  Replayed replay(compressor::Slot slot) const;
  /// What a few single elements of the sums on the way, each at an end of its own [low, high], add to each element of
  /// the slot, so that all but `may_lean` of these come within an ulp and none lies outside; empty: no such few were
  /// found. Runs in which every element of a sum is at either end by lot (64 for each sum, the same lots in every run
  /// of the program) say which single ones resemble what is left to explain. Of the 8 that do most, each run alone, the
  /// one is taken that leaves least, at most 3/4 of it in squares, and so on, up to 8: what a few roundings made falls
  /// that quickly, a bug's trace does not. Not asked where the lots differ far less than what is wanted, nor above 2^28
  /// operations of a run.
  std::vector<double> shift_by_few(compressor::Slot slot, const std::vector<Unexplained>& elements,
                                   std::size_t may_lean) const;
  /// Only the value.
  compressor::Tensor value(compressor::Slot slot) const;
  /// What the slot's stage reads: as given, else recomputed in the recipe. Inputs stay with the problem.
  compressor::Tape reads_of(compressor::Slot slot) const;
  /// The slot from `reads` in fp64: the exact stage, without the recipe's roundings.
  compressor::Tensor exact(compressor::Slot slot, const compressor::Tape& reads) const;
  /// Terms of the sum behind a slot; 0: it is none, and holds none inside.
  std::size_t terms_of(compressor::Slot slot) const;
  /// What the freedom of such a slot is relative to: the sum of |terms|, from the slot's reads and its exact value. Of
  /// other slots: the formula on absolute values.
  std::vector<double> magnitude_of_terms(compressor::Slot slot, const compressor::Tape& reads,
                                         const compressor::Tensor& exact) const;
  /// The sum of terms^2 behind a slot that is a sum, or holds one inside; at most, where the terms are not to be had
  /// (a pool of an online softmax).
  std::vector<double> squares_of_terms(compressor::Slot slot, const compressor::Tape& reads,
                                       const compressor::Tensor& exact) const;
  const compressor::Recipe& recipe() const { return recipe_; }
  const compressor::Plan& plan() const { return plan_; }
  const compressor::Graph& graph() const { return graph_; }
  unsigned threads() const { return threads_; }

 private:
  struct Sum {
    compressor::Tensor value;  ///< in the recipe
    std::vector<double> low;
    std::vector<double> high;
    std::vector<double> freedom;
  };
  /// What becomes of each term before it is added: its absolute value, its square.
  using OfTerm = double (*)(double);
  const compressor::Recipe& exact_recipe() const;
  std::vector<double> sum_of_terms(compressor::Slot slot, const compressor::Tape& reads,
                                   const compressor::Tensor& exact, OfTerm of) const;
  /// Of a replayed slot; 1: none.
  double leaning_cap(compressor::Slot slot) const;
  /// (1 + u)^K - 1 of the sum behind a slot.
  double growth_of(compressor::Slot slot) const;
  Sum own_freedom(compressor::Slot slot, compressor::Tensor value) const;
  class Search;
  enum class Pattern : std::uint8_t;
  static std::vector<double> at_pattern(const Sum& sum, Pattern pattern);
  void add_upstream(compressor::Slot slot, Replayed& replayed) const;
  /// A slot where one of the sums on its way has these values.
  compressor::Tensor moved(compressor::Slot slot, compressor::Slot source, compressor::Tensor values) const;
  std::vector<compressor::Slot> sums_on_the_way(compressor::Slot slot) const;

  const compressor::Problem& problem_;
  const compressor::Recipe& recipe_;
  const compressor::Tape& given_;
  unsigned threads_;
  compressor::Plan plan_;
  compressor::Graph graph_;
  mutable std::optional<compressor::Recipe> exact_;  ///< fp64 on the recipe's inputs, once it is asked for
};

}  // namespace ulpscope::judge
