// SPDX-License-Identifier: Apache-2.0
// The fields of a recipe's stages: which exist, what they may hold, and how they are looked up by slot.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/compressor/recipe.hpp"
#include "core/compressor/slot.hpp"
#include "core/io/json.hpp"

namespace ulpscope::compressor {

/// "stages" and "backward" of a recipe.
enum class Section : std::uint8_t { forward, backward };
std::string_view to_string(Section section);

/// A field of a stage, in one section. `stage` is a stage's name or "online".
struct FieldPath {
  Section section = Section::forward;
  std::string_view stage;
  std::string_view field;
};

/// What stands at a path in a resolved recipe; null where nothing does.
const io::Json* find_field(const io::Json& spec, const FieldPath& path);

/// The part of a field's value that speaks of a slot: a bare value speaks of all, an object of those it names and by
/// "*" of the rest. Null where it says nothing of the slot.
const io::Json* for_slot(const io::Json* value, Slot slot);

/// Checks one section whole: stages, fields, values, slots. Throws InputError headed by `where`.
void check_section(const io::Json& stages, Section section, const std::string& where);

/// Names of the stages (and "online") that a section may hold, and of the fields of one of them.
std::vector<std::string> known_stages(Section section);
std::vector<std::string> known_fields(std::string_view stage);

/// Whether a field may be an object by slot.
bool is_by_slot(std::string_view field);

/// Checks a format's name; throws InputError headed by `where`.
void check_format(const io::Json& value, const std::string& where);

}  // namespace ulpscope::compressor
