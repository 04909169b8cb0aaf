// SPDX-License-Identifier: Apache-2.0
// From a recipe's JSON to the arithmetic of every slot.
#include "core/compressor/arithmetic_plan.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "core/compressor/choices.hpp"
#include "core/compressor/pad_names.hpp"
#include "core/compressor/recipe_fields.hpp"
#include "core/compressor/slot_roles.hpp"
#include "core/compressor/stage_slots.hpp"
#include "precision/rounding.hpp"

namespace ulpscope::compressor {
namespace {

using io::Json;
using precision::Format;

const std::string& word(const Json& value) { return value.get_ref<const std::string&>(); }

std::optional<Format> table_format(const Recipe& recipe, std::string_view field) {
  const Json* value = find_field(recipe.spec, {Section::forward, "rope_table", field});
  const Json& chosen = value == nullptr ? recipe.spec.at("default") : *value;
  return chosen == "exact" ? std::nullopt : std::optional(precision::parse_format(word(chosen)));
}

precision::PowChoice table_power(const Recipe& recipe) {
  const Json* value = find_field(recipe.spec, {Section::forward, "rope_table", "power"});
  return value == nullptr ? precision::PowChoice{} : precision::parse_pow_choice(word(*value));
}

/// What native code does: FP8 floors amax at 1e-4, FP4 at 6 * 2^-126; other formats by the pattern of FP4.
double native_floor(const Format& format) { return format.name == "e4m3fn" ? 1e-4 : format.max_finite * 0x1p-126; }

QuantizeRule read_quantize(const Recipe& recipe, const Config& config) {
  const auto find = [&](std::string_view field) {
    return find_field(recipe.spec, {Section::forward, "quantize", field});
  };
  QuantizeRule rule;
  rule.format = precision::parse_format(config.quantize ? config.quantize->format : "e4m3fn");
  rule.floor = native_floor(rule.format);
  if (const Json* scale = find("scale")) rule.scale = parse_choice<ScaleRule>(word(*scale), "scale", "");
  if (const Json* ties = find("ties")) rule.ties = parse_choice<Ties>(word(*ties), "ties", "");
  if (const Json* floor = find("floor")) {
    rule.floor_of = floor->is_object() && floor->contains("scale") ? FloorOf::scale : FloorOf::amax;
    rule.floor = (floor->is_object() ? floor->begin().value() : *floor).get<double>();
  }
  return rule;
}

Online read_online(const Recipe& recipe, const Format& fallback) {
  const Json* tile = find_field(recipe.spec, {Section::forward, "online", "tile"});
  const Json* state = find_field(recipe.spec, {Section::forward, "online", "state"});
  return {tile == nullptr ? 1 : tile->get<std::size_t>(),
          state == nullptr ? fallback : precision::parse_format(word(*state))};
}

Butterfly read_butterfly(const Recipe& recipe) {
  const Json* order = find_field(recipe.spec, {Section::forward, "hadamard", "order"});
  return order == nullptr ? Butterfly::ascending : parse_choice<Butterfly>(word(*order), "order", "");
}

double parse_number(const std::string& text) {
  double value = std::numeric_limits<double>::quiet_NaN();
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// A constant of the recipe is rounded once for all elements: nothing to draw, so stochastic formats take the nearest.
double rounded_constant(double value, Format format) {
  if (format.mode == precision::RoundingMode::stochastic) format.mode = precision::RoundingMode::nearest_even;
  return precision::round(value, format);
}

/// A pad in the format of the recipe's `pad`, then in that of the slot that receives it.
double pad_value(const std::string& text, const std::string& format, const Format& slot) {
  const Format first = format.empty() ? slot : precision::parse_format(format);
  const PadName* const named = find_pad(text);
  const double value = named != nullptr ? named->value(first) : parse_number(text);
  return rounded_constant(rounded_constant(value, first), slot);
}

bool all(const std::vector<const Format*>& formats, bool (*property)(const Format&)) {
  for (const Format* format : formats) {
    if (!property(*format)) return false;
  }
  return true;
}

bool fits_in_float(const Format& format) { return precision::carrier_of(format) == precision::CarrierKind::float32; }

Kind kind_of(const std::vector<const Format*>& formats) {
  if (all(formats, precision::is_plain_fp32)) return Kind::native_float;
  if (all(formats, precision::is_plain_fp64)) return Kind::native_double;
  return all(formats, fits_in_float) ? Kind::emulated_float : Kind::emulated_double;
}

}  // namespace

Plan::Plan(const Recipe& recipe, const Config& config)
    : config_(effective_config(config, recipe)), pipeline_(recipe.pipeline) {
  for (const auto& [name, format] : recipe.spec.at("inputs").items()) {
    inputs_[parse_slot(name).name] = precision::parse_format(word(format));
  }
  table_ = {table_format(recipe, "frequencies"), table_format(recipe, "angles"), table_format(recipe, "storage"),
            table_power(recipe)};
  const SlotRoles roles(recipe, config_, table_);
  for (std::size_t index = 0; index < slot_count; ++index) {
    const Direction direction = index < name_count ? Direction::forward : Direction::backward;
    slots_[index] = roles.resolve({static_cast<Name>(index % name_count), direction});
  }
  quantize_ = read_quantize(recipe, config_);
  online_ = read_online(recipe, at(forward(Name::softmax)).accumulate);
  butterfly_ = read_butterfly(recipe);
  const Name gate = pipeline_ == Pipeline::bias_first ? Name::logits : Name::padded_gate;
  const PadName* const named = find_pad(recipe.pad.gate);
  pad_.excluded = named != nullptr && named->excluded;
  pad_.gate = pad_value(recipe.pad.gate, recipe.pad.format, at(forward(gate)).storage);
  pad_.kv = pad_value(recipe.pad.kv, recipe.pad.format, at(forward(Name::values)).storage);

  std::vector<const Format*> formats;
  const bool online = recipe.softmax == Softmax::online || recipe.softmax == Softmax::online_guarded;
  if (online) formats.push_back(&online_.state);
  for (std::size_t index = 0; index < slot_count; ++index) {
    const Direction direction = index < name_count ? Direction::forward : Direction::backward;
    if (!is_computed({static_cast<Name>(index % name_count), direction}, pipeline_, config_)) continue;
    const SlotArithmetic& slot = slots_[index];
    formats.insert(formats.end(), {&slot.compute, &slot.accumulate, &slot.storage, &slot.branches});
    random_ = random_ || compressor::is_random(slot);
  }
  random_ = random_ || (online && online_.state.mode == precision::RoundingMode::stochastic);
  for (const auto& format : {table_.frequencies, table_.storage}) {
    if (config_.rope && format && !fits_in_float(*format))
      formats.push_back(&slots_[forward(Name::rope_cos).index()].storage);
  }
  kind_ = kind_of(formats);
  name_exact_tables();
}

/// An exact table is rounded by what carries it, and says so.
void Plan::name_exact_tables() {
  if (kind_ != Kind::native_float && kind_ != Kind::emulated_float) return;
  const Format carrier = precision::parse_format("fp32");
  if (!table_.frequencies) slots_[forward(Name::rope_frequencies).index()].storage = carrier;
  if (table_.storage) return;
  for (const Name name : {Name::rope_cos, Name::rope_sin}) slots_[forward(name).index()].storage = carrier;
}

std::optional<Format> Plan::input_format(Name name) const {
  const auto found = inputs_.find(name);
  return found == inputs_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace ulpscope::compressor
