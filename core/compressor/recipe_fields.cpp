// SPDX-License-Identifier: Apache-2.0
// THE table of stage fields.
#include "core/compressor/recipe_fields.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "core/compressor/choices.hpp"
#include "core/compressor/stage_slots.hpp"
#include "core/io/error.hpp"
#include "core/io/fields.hpp"
#include "core/io/names.hpp"
#include "precision/exp_variant.hpp"
#include "precision/format.hpp"
#include "precision/pow_variant.hpp"
#include "precision/summation_spec.hpp"

namespace ulpscope::compressor {
namespace {

using io::Json;

constexpr std::string_view online = "online";

/// The place of a value: for sentences, and because `vjp` means another list in another stage.
struct Place {
  std::string_view stage;
  const std::string& where;
};

[[noreturn]] void refuse(const Place& place, std::string_view expected, const Json& found) {
  throw InputError(place.where + ": must be " + std::string(expected) + ", found " + io::described(&found));
}

const std::string& text_of(const Json& value, const Place& place, std::string_view expected) {
  if (!value.is_string()) refuse(place, expected, value);
  return value.get_ref<const std::string&>();
}

/// Runs a parser of `precision`, whose std::invalid_argument becomes an InputError with the place.
template <class Parser>
void check_parsed(const Json& value, const Place& place, std::string_view expected, Parser parse) {
  const std::string& text = text_of(value, place, expected);
  try {
    parse(text);
  } catch (const std::invalid_argument& error) {
    throw InputError(place.where + ": " + error.what());
  }
}

void check_plain_format(const Json& value, const Place& place) {
  check_parsed(value, place, "the name of a format", [](const std::string& text) { precision::parse_format(text); });
}

void check_exact_or_format(const Json& value, const Place& place) {
  if (value != "exact") check_plain_format(value, place);
}

void check_summation(const Json& value, const Place& place) {
  check_parsed(value, place, "the name of an order of summation",
               [](const std::string& text) { precision::parse_summation(text); });
}

void check_exp(const Json& value, const Place& place) {
  check_parsed(value, place, "the name of an exponential",
               [](const std::string& text) { precision::parse_exp_choice(text); });
}

void check_power(const Json& value, const Place& place) {
  check_parsed(value, place, "the name of a power", [](const std::string& text) { precision::parse_pow_choice(text); });
}

void check_boolean(const Json& value, const Place& place) {
  if (!value.is_boolean()) refuse(place, "true or false", value);
}

template <class Enum>
void check_choice(const Json& value, const Place& place) {
  parse_choice<Enum>(text_of(value, place, "one of: " + io::listed(choice_names<Enum>())), "value", place.where);
}

void check_vjp(const Json& value, const Place& place) {
  if (place.stage == "softmax") return check_choice<SoftmaxVjp>(value, place);
  check_choice<NormVjp>(value, place);
}

void check_tile(const Json& value, const Place& place) {
  const bool whole = value.is_number_integer() && value >= 1 && value <= 65536;
  if (!whole) refuse(place, "a whole number from 1 to 65536", value);
}

void check_floor(const Json& value, const Place& place) {
  const Json* number = &value;
  if (value.is_object() && value.size() == 1 && (value.contains("amax") || value.contains("scale"))) {
    number = &value.begin().value();
  }
  const bool good = number->is_number() && std::isfinite(number->get<double>()) && number->get<double>() > 0;
  if (!good) refuse(place, "a positive number (of amax), {\"amax\": number} or {\"scale\": number}", value);
}

/// One row: a field, the stages that have it, whether it may be an object by slot, and its check.
struct FieldRow {
  std::string_view name;
  std::string_view stages;  ///< names between spaces; "*": all but rope_table and online
  bool by_slot;
  void (*check)(const Json&, const Place&);
};

constexpr std::array<FieldRow, 22> table{{
    {"compute", "*", true, check_exact_or_format},
    {"accumulate", "*", true, check_plain_format},
    {"storage", "*", true, check_plain_format},
    {"branches", " rotate join_hidden ", true, check_plain_format},
    {"materialize", "*", true, check_boolean},
    {"summation", "*", true, check_summation},
    {"exp", " softmax pool ", true, check_exp},
    {"division", " softmax pool normalize ", true, check_choice<Division>},
    {"rsqrt", " normalize ", true, check_choice<Rsqrt>},
    {"vjp", " softmax normalize ", true, check_vjp},
    {"max_gradient", " softmax ", true, check_choice<MaxGradient>},
    {"saved", " softmax ", true, check_choice<Saved>},
    {"frequencies", " rope_table ", false, check_exact_or_format},
    {"angles", " rope_table ", false, check_exact_or_format},
    {"storage", " rope_table ", false, check_exact_or_format},
    {"power", " rope_table ", false, check_power},
    {"tile", " online ", false, check_tile},
    {"state", " online ", false, check_plain_format},
    {"scale", " quantize ", false, check_choice<ScaleRule>},
    {"floor", " quantize ", false, check_floor},
    {"ties", " quantize ", false, check_choice<Ties>},
    {"order", " hadamard ", false, check_choice<Butterfly>},
}};

bool has_stage(const FieldRow& row, std::string_view stage) {
  if (row.stages == "*") return stage != "rope_table" && stage != online;
  const std::size_t at = row.stages.find(stage);
  return at != std::string_view::npos && row.stages[at - 1] == ' ' && row.stages[at + stage.size()] == ' ';
}

const FieldRow* find_row(std::string_view stage, std::string_view field) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const FieldRow& row) { return row.name == field && has_stage(row, stage); });
  return found == table.end() ? nullptr : &*found;
}

/// A slot that a field names must be one that its stage computes, in its section.
void check_slot(const std::string& key, Section section, const Place& place) {
  if (key == "*") return;
  const Stage stage = parse_choice<Stage>(place.stage, "stage", place.where);
  std::vector<std::string> known{"*"};
  for (std::size_t index = 0; index < slot_count; ++index) {
    const bool backward = index >= name_count;
    const Slot slot{static_cast<Name>(index % name_count), backward ? Direction::backward : Direction::forward};
    if ((section == Section::backward && !backward) || !may_write(stage, slot)) continue;
    const std::string text = to_string(slot);
    if (find_slot(text)) known.push_back(text);
  }
  if (std::find(known.begin(), known.end(), key) != known.end()) return;
  throw InputError(place.where + ": " + io::unknown_name("slot", key, known));
}

void check_field(const Json& value, const FieldRow& row, Section section, const Place& place) {
  if (!row.by_slot || !value.is_object()) return row.check(value, place);
  for (const auto& [key, part] : value.items()) {
    check_slot(key, section, place);
    const std::string where = place.where + "." + key;
    row.check(part, Place{place.stage, where});
  }
}

}  // namespace

std::string_view to_string(Section section) { return section == Section::forward ? "stages" : "backward"; }

const Json* find_field(const Json& spec, const FieldPath& path) {
  const Json* at = &spec;
  for (const std::string_view key : {to_string(path.section), path.stage, path.field}) {
    const auto found = at->find(std::string(key));
    if (found == at->end() || found->is_null()) return nullptr;
    at = &*found;
  }
  return at;
}

const Json* for_slot(const Json* value, Slot slot) {
  if (value == nullptr || !value->is_object()) return value;
  const auto named = value->find(to_string(slot));
  if (named != value->end()) return &*named;
  const auto rest = value->find("*");
  return rest == value->end() ? nullptr : &*rest;
}

std::vector<std::string> known_stages(Section section) {
  std::vector<std::string> known;
  for (const Choice<Stage>& stage : choices<Stage>()) {
    const Stage missing = section == Section::forward ? Stage::join_hidden : Stage::rope_table;
    if (stage.value != missing) known.emplace_back(stage.name);
  }
  if (section == Section::forward) known.emplace_back(online);
  return known;
}

std::vector<std::string> known_fields(std::string_view stage) {
  std::vector<std::string> known;
  for (const FieldRow& row : table) {
    if (has_stage(row, stage)) known.emplace_back(row.name);
  }
  return known;
}

bool is_by_slot(std::string_view field) {
  return std::any_of(table.begin(), table.end(), [&](const FieldRow& row) { return row.name == field && row.by_slot; });
}

void check_section(const Json& stages, Section section, const std::string& where) {
  if (!stages.is_object()) throw InputError(where + ": expected an object by stage, found " + io::described(&stages));
  const std::vector<std::string> known = known_stages(section);
  for (const auto& [stage, fields] : stages.items()) {
    if (std::find(known.begin(), known.end(), stage) == known.end()) {
      throw InputError(where + ": " + io::unknown_name("stage", stage, known));
    }
    const std::string stage_where = where + "." + stage;
    if (!fields.is_object()) throw InputError(stage_where + ": expected an object, found " + io::described(&fields));
    for (const auto& [field, value] : fields.items()) {
      const FieldRow* row = find_row(stage, field);
      if (row == nullptr) throw InputError(stage_where + ": " + io::unknown_name("field", field, known_fields(stage)));
      const std::string field_where = stage_where + "." + field;
      check_field(value, *row, section, Place{stage, field_where});
    }
  }
}

void check_format(const Json& value, const std::string& where) { check_plain_format(value, Place{"", where}); }

}  // namespace ulpscope::compressor
