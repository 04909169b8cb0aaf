// SPDX-License-Identifier: Apache-2.0
// Which slots a recipe computes, in program order, and which slots each one reads: the one place that knows the
// pipelines.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/config.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/slot.hpp"

namespace ulpscope::compressor {

/// Where a slot's values live, which is how the driver walks them.
enum class Level : std::uint8_t {
  table,   ///< one for all batch rows: RoPE tables
  token,   ///< rows of tokens: projections and what reaches them back
  window,  ///< L slots x channels of a window, or one row of channels of it
  entry,   ///< the channels of an entry
  sum,     ///< sums over windows or entries: gradients of ape and gamma
  weight,  ///< sums over tokens: gradients of the projections
};

/// What a recipe's problem holds besides the required inputs.
struct Extras {
  bool prior = false;
};

class Graph {
 public:
  Graph(const Recipe& recipe, const Plan& plan, Extras extras);

  /// Every slot the recipe computes, in program order: forward, then backward; kv before gate.
  const std::vector<Slot>& order() const { return order_; }
  bool computes(Slot slot) const { return reads_[slot.index()].computed; }
  const std::vector<Slot>& reads(Slot slot) const { return reads_[slot.index()].slots; }
  /// Contract slots that this recipe or config never writes, and why.
  const std::map<Slot, std::string>& absent() const { return absent_; }
  /// The forward slot that stands before normalized, normed, rotated, ... output: what its stage reads.
  Name before(Name name) const { return before_[static_cast<std::size_t>(name)]; }
  /// The last forward slot: `output` is its copy.
  Name last() const { return last_; }

  /// The slots to compute for `wanted` when `given` hold their values, in program order; leaves: what is read as given.
  struct Need {
    std::vector<Slot> compute;
    std::vector<Slot> leaves;
  };
  Need need(const std::vector<Slot>& wanted, const std::array<bool, slot_count>& given) const;

 private:
  struct Reads {
    bool computed = false;
    std::vector<Slot> slots;
  };
  void add(Slot slot, std::vector<Slot> reads);
  void add_tables(const Config& config);
  void add_pool(const Recipe& recipe, const Plan& plan, Extras extras);
  void add_softmax(const Recipe& recipe);
  void add_entries(const Config& config);
  void add_entry_gradients(const Config& config);
  void add_pool_gradients(const Recipe& recipe, const Plan& plan, Extras extras);
  void add_softmax_gradient(const Recipe& recipe, const Plan& plan);
  void add_projection_gradients();
  void explain_absences(const Recipe& recipe, const Config& config);

  std::vector<Slot> order_;
  std::array<Reads, slot_count> reads_{};
  std::array<Name, name_count> before_{};
  std::map<Slot, std::string> absent_;
  Name last_ = Name::pooled;
};

Level level_of(Slot slot);
/// A window slot that has L rows, not one.
bool has_window_rows(Name name);

}  // namespace ulpscope::compressor
