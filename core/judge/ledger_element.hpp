// SPDX-License-Identifier: Apache-2.0
// Exact operations at single elements: quotient, product, move, softmax's VJP of one row. Internal to core/judge.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/judge/ledger_rows.hpp"
#include "core/judge/replay.hpp"

namespace ulpscope::judge {

/// The exact stage at a flat element of a slot; to be asked in ascending order.
using ElementRule = std::function<double(std::size_t)>;

/// A whole slot in fp64 is the engine's to compute. A run holds a handful of zeros, most of them pads and remainders:
/// for the stages whose every element is one operation or one short sum, this asks for those only, in fp64
/// as well.
class ElementStages {
 public:
  /// Gives a slot as the run has it; an input as the recipe reads it.
  using Known = std::function<compressor::Tensor(compressor::Slot)>;
  /// The references must outlive this.
  ElementStages(const compressor::Problem& problem, const compressor::Recipe& recipe, const Replayer& replayer,
                Known known);

  /// Nothing: a stage without a rule here.
  std::optional<ElementRule> rule(compressor::Slot slot) const;
  const WindowGrid& grid() const { return grid_; }

 private:
  /// Values that stay with the rule that reads them.
  struct Held;
  std::shared_ptr<const Held> held(compressor::Slot slot) const;
  std::optional<ElementRule> forward_rule(compressor::Name name) const;
  std::optional<ElementRule> backward_rule(compressor::Name name) const;
  std::optional<ElementRule> window_rule(compressor::Name name) const;
  ElementRule biased() const;
  ElementRule shifted() const;
  ElementRule exponential(compressor::Name arguments) const;
  ElementRule online_softmax() const;
  ElementRule logarithmic_softmax() const;
  ElementRule quotient() const;
  ElementRule masked_softmax() const;
  ElementRule copy(compressor::Slot slot) const;
  ElementRule product(compressor::Slot a, compressor::Slot b) const;
  ElementRule sum(compressor::Slot a, compressor::Slot b) const;
  ElementRule by_window(compressor::Slot slot) const;
  ElementRule softmax_vjp() const;
  ElementRule to_tokens(compressor::Slot windows, std::size_t tokens) const;
  ElementRule from_biased() const;
  std::optional<ElementRule> over_windows() const;
  std::size_t window_of(std::size_t element) const { return element / (grid_.rows() * grid_.channels()); }
  bool is_left_out(std::size_t element) const { return skips_ && grid_.is_padded(element); }

  const compressor::Problem& problem_;
  const compressor::Recipe& recipe_;
  const Replayer& replayer_;
  const compressor::Config& config_;
  WindowGrid grid_;
  Known known_;
  bool skips_;  ///< the softmax leaves pads out
};

}  // namespace ulpscope::judge
