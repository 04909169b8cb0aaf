// SPDX-License-Identifier: Apache-2.0
// Which stage writes which slot.
#include "core/compressor/stage_slots.hpp"

#include <array>

#include "core/compressor/arithmetic_plan.hpp"

namespace ulpscope::compressor {
namespace {

/// Who computes a slot, and who its gradient. Absent: it depends on pipeline or config, and the functions below say.
struct Row {
  Name name;
  std::optional<Stage> forward;  ///< for an input: the stage that reads it first
  std::optional<Stage> backward;
};

constexpr std::array<Row, name_count> table{{
    {Name::hidden, Stage::project_kv, Stage::join_hidden},
    {Name::w_kv, Stage::project_kv, Stage::project_kv},
    {Name::w_gate, Stage::project_gate, Stage::project_gate},
    {Name::ape, Stage::bias, Stage::bias},
    {Name::gamma, Stage::scale, Stage::scale},
    {Name::cotangent, {}, {}},
    {Name::attention_mask, Stage::window, Stage::window},
    {Name::segment_ids, Stage::window, Stage::window},
    {Name::prior_kv, Stage::window, Stage::window},
    {Name::prior_gate, Stage::window, Stage::window},
    {Name::rope_frequencies, Stage::rope_table, Stage::rope_table},
    {Name::rope_cos, Stage::rope_table, Stage::rope_table},
    {Name::rope_sin, Stage::rope_table, Stage::rope_table},
    {Name::kv, Stage::project_kv, Stage::window},
    {Name::gate, Stage::project_gate, {}},
    {Name::biased, Stage::bias, Stage::window},
    {Name::padded_gate, Stage::window, Stage::bias},
    {Name::values, Stage::window, Stage::products},
    {Name::logits, {}, Stage::softmax},
    {Name::row_max, Stage::softmax, Stage::softmax},
    {Name::shifted, Stage::softmax, Stage::softmax},
    {Name::exp, Stage::softmax, Stage::softmax},
    {Name::denominator, Stage::softmax, Stage::softmax},
    {Name::log_denominator, Stage::softmax, Stage::softmax},
    {Name::softmax, Stage::softmax, Stage::softmax},
    {Name::weights, Stage::softmax, Stage::products},
    {Name::products, Stage::products, Stage::pool},
    {Name::pooled, Stage::pool, {}},
    {Name::mean_square, Stage::normalize, Stage::normalize},
    {Name::normalized, Stage::normalize, Stage::scale},
    {Name::normed, Stage::scale, {}},
    {Name::rotated, Stage::rotate, {}},
    {Name::hadamard, Stage::hadamard, {}},
    {Name::quantized, Stage::quantize, {}},
    {Name::output, {}, {}},
    {Name::hidden_kv, Stage::join_hidden, Stage::project_kv},
    {Name::hidden_gate, Stage::join_hidden, Stage::project_gate},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < name_count; ++i) {
    if (table[i].name != static_cast<Name>(i)) return false;
  }
  return true;
}
static_assert(in_order());

const Row& row_of(Name name) { return table[static_cast<std::size_t>(name)]; }

Stage forward_writer(Name name, Pipeline pipeline, const Config& config) {
  if (const auto stage = row_of(name).forward) return *stage;
  if (name == Name::logits) return pipeline == Pipeline::bias_first ? Stage::window : Stage::bias;
  return forward_writer(last_forward_slot(config), pipeline, config);  // output, cotangent
}

/// The stage that follows an entry slot (pooled, normed, rotated, hadamard); the one that wrote it where none follows.
Stage entry_reader(Name name, const Config& config) {
  if (name < Name::normed && config.norm) return Stage::normalize;
  if (name < Name::rotated && config.rope) return Stage::rotate;
  if (name < Name::hadamard && config.hadamard) return Stage::hadamard;
  if (name < Name::quantized && config.quantize) return Stage::quantize;
  return forward_writer(name, Pipeline::bias_first, config);
}

Stage backward_writer(Name name, Pipeline pipeline, const Config& config) {
  if (const auto stage = row_of(name).backward) return *stage;
  if (name == Name::gate) return pipeline == Pipeline::bias_first ? Stage::bias : Stage::window;
  return entry_reader(name, config);
}

Config config_of(unsigned bits) {
  Config config;
  config.norm = (bits & 1U) != 0;
  if ((bits & 2U) != 0) config.rope = Rope{};
  config.hadamard = (bits & 4U) != 0;
  if ((bits & 8U) != 0) config.quantize = Quantize{};
  return config;
}

}  // namespace

Stage Plan::writer_of(Slot slot, Pipeline pipeline, const Config& config) {
  return slot.direction == Direction::forward ? forward_writer(slot.name, pipeline, config)
                                              : backward_writer(slot.name, pipeline, config);
}

std::optional<Name> last_slot_of(Stage stage, Pipeline pipeline) {
  const bool bias_first = pipeline == Pipeline::bias_first;
  switch (stage) {
    case Stage::project_kv:
      return Name::kv;
    case Stage::project_gate:
      return Name::gate;
    case Stage::bias:
      return bias_first ? Name::biased : Name::logits;
    case Stage::window:
      return bias_first ? Name::logits : Name::padded_gate;
    case Stage::softmax:
      return Name::weights;
    case Stage::products:
      return Name::products;
    case Stage::pool:
      return Name::pooled;
    case Stage::normalize:
      return Name::normalized;
    case Stage::scale:
      return Name::normed;
    case Stage::rotate:
      return Name::rotated;
    case Stage::hadamard:
      return Name::hadamard;
    case Stage::quantize:
      return Name::quantized;
    case Stage::rope_table:
    case Stage::join_hidden:
    case Stage::count:
      break;
  }
  return std::nullopt;
}

bool may_write(Stage stage, Slot slot) {
  if (slot.direction == Direction::forward && is_input(slot.name)) return false;
  for (const Pipeline pipeline : {Pipeline::bias_first, Pipeline::pad_first}) {
    for (unsigned bits = 0; bits < 16; ++bits) {
      if (Plan::writer_of(slot, pipeline, config_of(bits)) == stage) return true;
    }
  }
  return false;
}

bool is_computed(Slot slot, Pipeline pipeline, const Config& config) {
  if (slot.direction == Direction::forward && is_input(slot.name)) return false;
  switch (slot.name) {
    case Name::rope_frequencies:
    case Name::rope_cos:
    case Name::rope_sin:
    case Name::attention_mask:
    case Name::segment_ids:
    case Name::cotangent:
      return false;
    case Name::biased:
      return pipeline == Pipeline::bias_first;
    case Name::padded_gate:
      return pipeline == Pipeline::pad_first;
    case Name::gamma:
    case Name::mean_square:
    case Name::normalized:
    case Name::normed:
      return config.norm;
    case Name::rotated:
      return config.rope.has_value();
    case Name::hadamard:
      return config.hadamard;
    case Name::quantized:
      return config.quantize.has_value();
    case Name::hidden_kv:
    case Name::hidden_gate:
      return slot.direction == Direction::backward;
    default:
      return true;
  }
}

}  // namespace ulpscope::compressor
