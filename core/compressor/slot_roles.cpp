// SPDX-License-Identifier: Apache-2.0
// Filling in what a recipe leaves out.
#include "core/compressor/slot_roles.hpp"

#include "core/compressor/choices.hpp"
#include "core/compressor/stage_slots.hpp"

namespace ulpscope::compressor {
namespace {

using io::Json;
using precision::Format;

const std::string& word(const Json& value) { return value.get_ref<const std::string&>(); }

/// A gradient that is a sum over tokens, windows, features or entries.
bool is_sum(Slot slot) {
  if (slot.direction == Direction::forward) {
    return slot.name == Name::kv || slot.name == Name::gate || slot.name == Name::denominator ||
           slot.name == Name::pooled || slot.name == Name::mean_square;
  }
  switch (slot.name) {
    case Name::w_kv:
    case Name::w_gate:
    case Name::ape:
    case Name::gamma:
    case Name::hidden_kv:
    case Name::hidden_gate:
      return true;
    default:
      return false;
  }
}

/// Whether every value of `a` is one of `b`.
bool is_subset(const Format& a, const Format& b) {
  const bool finite = a.precision <= b.precision && a.max_finite <= b.max_finite &&
                      precision::min_subnormal(a) >= precision::min_subnormal(b);
  const bool flushed = b.flush_results || b.flush_inputs;
  return finite && (!flushed || precision::min_subnormal(a) >= precision::min_normal(b)) &&
         (b.special == precision::Special::ieee || a.special == b.special);
}

/// Slots that a stage writes before its last one: they keep the format in which they were computed.
bool is_inner(Name name) {
  switch (name) {
    case Name::row_max:
    case Name::shifted:
    case Name::exp:
    case Name::denominator:
    case Name::log_denominator:
    case Name::softmax:
    case Name::mean_square:
      return true;
    default:
      return false;
  }
}

/// The slot whose values a forward slot moves unchanged, where no storage of its own is named.
std::optional<Name> source_of(Name name, const Recipe& recipe, const Config& config) {
  switch (name) {
    case Name::values:
      return Name::kv;
    case Name::padded_gate:
      return Name::gate;
    case Name::logits:
      return recipe.pipeline == Pipeline::bias_first ? std::optional(Name::biased) : std::nullopt;
    case Name::row_max:
      return is_online(recipe.softmax) ? std::nullopt : std::optional(Name::logits);
    case Name::output:
      return last_forward_slot(config);
    default:
      return std::nullopt;
  }
}

}  // namespace

const Json* find_inherited(const Json& spec, const FieldPath& path, Slot slot) {
  if (slot.direction == Direction::backward) {
    const Json* own = for_slot(find_field(spec, {Section::backward, path.stage, path.field}), slot);
    if (own != nullptr) return own;
  }
  return for_slot(find_field(spec, {Section::forward, path.stage, path.field}), slot);
}

SlotRoles::SlotRoles(const Recipe& recipe, const Config& effective, const TableArithmetic& table)
    : recipe_(recipe),
      config_(effective),
      table_(table),
      default_(precision::parse_format(word(recipe.spec.at("default")))) {}

const Json* SlotRoles::find(Slot slot, std::string_view field) const {
  return find_inherited(recipe_.spec, {Section::forward, to_string(stage_of(slot)), field}, slot);
}

Format SlotRoles::accumulate_of(Slot slot) const {
  const Json* value = find(slot, "accumulate");
  return value == nullptr ? default_ : precision::parse_format(word(*value));
}

Format SlotRoles::compute_of(Slot slot) const {
  const Json* value = find(slot, "compute");
  if (value == nullptr) return default_;
  return *value == "exact" ? accumulate_of(slot) : precision::parse_format(word(*value));
}

Format SlotRoles::carried(Slot slot) const { return is_sum(slot) ? accumulate_of(slot) : compute_of(slot); }

/// Where the backward starts: no stage computes these, so they listen only to their own names.
bool SlotRoles::is_seed(Slot slot) const {
  return slot.direction == Direction::backward &&
         (slot.name == Name::output || slot.name == last_forward_slot(config_));
}

std::optional<Format> SlotRoles::explicit_storage(Slot slot) const {
  const std::string_view stage = to_string(stage_of(slot));
  if (slot.direction == Direction::backward) {
    const Json* value = find_field(recipe_.spec, {Section::backward, stage, "storage"});
    const bool named = value != nullptr && value->is_object() && value->contains(to_string(slot));
    const Json* own = is_seed(slot) && !named ? nullptr : for_slot(value, slot);
    if (own != nullptr) return precision::parse_format(word(*own));
  }
  // A bare value speaks of the stage's last slot; a gradient takes from the forward's stage only what names it.
  const Json* value = find_field(recipe_.spec, {Section::forward, stage, "storage"});
  if (value == nullptr || stage == "rope_table") return std::nullopt;
  if (!value->is_object()) {
    const bool last =
        slot.direction == Direction::forward && last_slot_of(stage_of(slot), recipe_.pipeline) == slot.name;
    return last ? std::optional(precision::parse_format(word(*value))) : std::nullopt;
  }
  const bool named = value->contains(to_string(slot));
  if (slot.direction == Direction::backward && !named) return std::nullopt;
  const Json* part = for_slot(value, slot);
  return part == nullptr ? std::nullopt : std::optional(precision::parse_format(word(*part)));
}

Format SlotRoles::online_state() const {
  const Json* state = find_field(recipe_.spec, {Section::forward, "online", "state"});
  return state == nullptr ? accumulate_of(forward(Name::softmax)) : precision::parse_format(word(*state));
}

Format SlotRoles::input_or_default(Name name) const {
  const auto& inputs = recipe_.spec.at("inputs");
  const auto found = inputs.find(std::string(to_string(name)));
  return found == inputs.end() ? default_ : precision::parse_format(word(*found));
}

Format SlotRoles::forward_storage(Name name) const {
  const Format fp64 = precision::parse_format("fp64");
  const bool bias_first = recipe_.pipeline == Pipeline::bias_first;
  if (is_input(name)) return input_or_default(name);
  const bool online = recipe_.softmax == Softmax::online || recipe_.softmax == Softmax::online_guarded;
  if (online && (name == Name::row_max || name == Name::denominator)) return online_state();
  if (name == Name::row_max) return storage_of(forward(Name::logits));  // one of them
  if (is_inner(name)) return carried(forward(name));
  switch (name) {
    case Name::rope_frequencies:
      return table_.frequencies.value_or(fp64);
    case Name::rope_cos:
    case Name::rope_sin:
      return table_.storage.value_or(fp64);
    case Name::values:
      return storage_of(forward(Name::kv));
    case Name::padded_gate:
      return storage_of(forward(Name::gate));
    case Name::logits:
      if (bias_first) return storage_of(forward(Name::biased));
      break;
    case Name::output:
      return storage_of(forward(last_forward_slot(config_)));
    default:
      break;
  }
  const Format own = carried(forward(name));
  return is_subset(own, default_) ? own : default_;
}

Format SlotRoles::gradient_storage(Name name) const {
  switch (name) {
    case Name::hidden_kv:
    case Name::hidden_gate: {
      const Json* branches =
          for_slot(find_field(recipe_.spec, {Section::backward, "join_hidden", "branches"}), gradient(Name::hidden));
      return branches == nullptr ? input_or_default(Name::hidden) : precision::parse_format(word(*branches));
    }
    case Name::output:
      return input_or_default(Name::cotangent);
    default:
      return storage_of(forward(name));
  }
}

Format SlotRoles::storage_of(Slot slot) const {
  if (const auto named = explicit_storage(slot);
      named && !(slot.direction == Direction::forward && is_input(slot.name))) {
    return *named;
  }
  return slot.direction == Direction::forward ? forward_storage(slot.name) : gradient_storage(slot.name);
}

bool SlotRoles::is_materialized(Slot slot) const {
  if (slot.direction == Direction::forward && is_input(slot.name)) return true;
  const Section section = slot.direction == Direction::forward ? Section::forward : Section::backward;
  const Stage stage = stage_of(slot);
  const Json* value = find_field(recipe_.spec, {section, to_string(stage), "materialize"});
  const bool bare_forward = value != nullptr && !value->is_object() && section == Section::forward;
  if (bare_forward && last_slot_of(stage, recipe_.pipeline) != slot.name) return true;
  const Json* part = for_slot(value, slot);
  return part == nullptr || is_seed(slot) || part->get<bool>();
}

void SlotRoles::read_variants(Slot slot, SlotArithmetic& out) const {
  // The online algorithms divide and take exponentials in the pool too.
  const bool online = recipe_.softmax == Softmax::online || recipe_.softmax == Softmax::online_guarded;
  const bool pooled = online && slot == forward(Name::pooled);
  const auto variant = [&](std::string_view field) {
    const Json* own = find(slot, field);
    return own == nullptr && pooled ? find(forward(Name::softmax), field) : own;
  };
  if (const Json* value = find(slot, "summation")) out.summation = precision::parse_summation(word(*value));
  if (const Json* value = variant("exp")) out.exp = precision::parse_exp_choice(word(*value));
  if (const Json* value = variant("division")) out.division = parse_choice<Division>(word(*value), "division", "");
  if (const Json* value = find(slot, "rsqrt")) out.rsqrt = parse_choice<Rsqrt>(word(*value), "rsqrt", "");
  if (const Json* value = find(slot, "max_gradient")) {
    out.max_gradient = parse_choice<MaxGradient>(word(*value), "max_gradient", "");
  }
  if (const Json* value = find(slot, "saved")) out.saved = parse_choice<Saved>(word(*value), "saved", "");
  const Json* vjp = find(slot, "vjp");
  if (vjp == nullptr) return;
  if (stage_of(slot) == Stage::softmax) {
    out.softmax_vjp = parse_choice<SoftmaxVjp>(word(*vjp), "vjp", "");
  } else {
    out.norm_vjp = parse_choice<NormVjp>(word(*vjp), "vjp", "");
  }
}

SlotArithmetic SlotRoles::resolve(Slot slot) const {
  SlotArithmetic out;
  const Json* compute = find(slot, "compute");
  out.compute_exact = compute != nullptr && *compute == "exact";
  out.compute = compute_of(slot);
  out.accumulate = accumulate_of(slot);
  out.materialize = is_materialized(slot);
  out.storage = out.materialize ? storage_of(slot) : carried(slot);
  // An elided cast stays elided where its values are only moved; gradients keep the nominal format.
  const bool forward_only = slot.direction == Direction::forward && !explicit_storage(slot);
  const auto source = forward_only ? source_of(slot.name, recipe_, config_) : std::nullopt;
  if (source && out.materialize) out.storage = resolve(forward(*source)).storage;
  const Json* branches = find(slot, "branches");
  out.branches = branches == nullptr ? out.compute : precision::parse_format(word(*branches));
  read_variants(slot, out);
  return out;
}

}  // namespace ulpscope::compressor
