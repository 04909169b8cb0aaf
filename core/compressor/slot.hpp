// SPDX-License-Identifier: Apache-2.0
// Slots: the names of all tensors of a run, forward and backward, and their shapes [contract: slots].
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/compressor/config.hpp"
#include "core/compressor/slot_name.hpp"  // IWYU pragma: export

namespace ulpscope::compressor {

using Shape = std::vector<std::size_t>;

std::string_view to_string(Name name);
std::string to_string(Slot slot);
std::optional<Slot> find_slot(std::string_view text);
/// Throws InputError with the known names.
Slot parse_slot(std::string_view text);

/// Inputs that a problem must hold; the optional ones follow them in `Name`'s order.
bool is_input(Name name);
bool is_optional_input(Name name);
/// [B,S,h] and so on. A gradient has the shape of its slot.
Shape shape_of(Slot slot, const Config& config);
std::size_t element_count(const Shape& shape);
/// "[2,9,8,32]"
std::string to_string(const Shape& shape);
/// Index (i, j, ...) of a flat element.
std::vector<std::size_t> unravel(std::size_t flat, const Shape& shape);

/// The last of normed, rotated, hadamard, quantized that the config computes (pooled where norm is off).
Name last_forward_slot(const Config& config);

}  // namespace ulpscope::compressor
