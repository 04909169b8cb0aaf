// SPDX-License-Identifier: Apache-2.0
// Which stage writes which slot.
#pragma once

#include <optional>

#include "core/compressor/recipe.hpp"
#include "core/compressor/slot.hpp"

namespace ulpscope::compressor {

/// The forward slot that a bare `storage` of a stage speaks of; nothing for rope_table and join_hidden.
std::optional<Name> last_slot_of(Stage stage, Pipeline pipeline);

/// Whether the stage computes the slot under any pipeline and any config.
bool may_write(Stage stage, Slot slot);

/// Whether a slot is computed under a pipeline and an effective config; rope tables, inputs and masks are not.
bool is_computed(Slot slot, Pipeline pipeline, const Config& config);

}  // namespace ulpscope::compressor
