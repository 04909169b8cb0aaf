// SPDX-License-Identifier: Apache-2.0
// SlotRoles: what a recipe says of one slot, with everything that it leaves out filled in.
#pragma once

#include "core/compressor/arithmetic_plan.hpp"
#include "core/compressor/recipe_fields.hpp"

namespace ulpscope::compressor {

/// What a resolved recipe says of a slot at a path; of a gradient, what the forward's stage says where the backward's
/// says nothing. Null where neither does.
const io::Json* find_inherited(const io::Json& spec, const FieldPath& path, Slot slot);

/// Resolves slots one by one by the rules that stand at Plan.
class SlotRoles {
 public:
  /// The references must outlive this.
  SlotRoles(const Recipe& recipe, const Config& effective, const TableArithmetic& table);

  SlotArithmetic resolve(Slot slot) const;

 private:
  const io::Json* find(Slot slot, std::string_view field) const;
  std::optional<precision::Format> explicit_storage(Slot slot) const;
  precision::Format storage_of(Slot slot) const;
  precision::Format forward_storage(Name name) const;
  precision::Format gradient_storage(Name name) const;
  precision::Format online_state() const;
  precision::Format input_or_default(Name name) const;
  precision::Format carried(Slot slot) const;
  precision::Format compute_of(Slot slot) const;
  precision::Format accumulate_of(Slot slot) const;
  bool is_materialized(Slot slot) const;
  bool is_seed(Slot slot) const;
  void read_variants(Slot slot, SlotArithmetic& out) const;
  Stage stage_of(Slot slot) const { return Plan::writer_of(slot, recipe_.pipeline, config_); }

  const Recipe& recipe_;
  const Config& config_;
  const TableArithmetic& table_;
  precision::Format default_;
};

}  // namespace ulpscope::compressor
