// SPDX-License-Identifier: Apache-2.0
// THE table of slots: their names and shapes.
#include "core/compressor/slot.hpp"

#include <algorithm>

#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/io/tensor.hpp"

namespace ulpscope::compressor {
namespace {

/// What a slot's extents are.
enum class Extent : std::uint8_t {
  hidden,
  weight,
  bias,
  channel,
  entry,
  token,
  prior,
  pair,
  position_pair,
  feature,
  window_feature,
  window,
  row
};

struct Row {
  Name name;
  std::string_view text;
  Extent extent;
};

constexpr std::array<Row, name_count> table{{
    {Name::hidden, "hidden", Extent::hidden},
    {Name::w_kv, "w_kv", Extent::weight},
    {Name::w_gate, "w_gate", Extent::weight},
    {Name::ape, "ape", Extent::bias},
    {Name::gamma, "gamma", Extent::channel},
    {Name::cotangent, "cotangent", Extent::entry},
    {Name::attention_mask, "attention_mask", Extent::token},
    {Name::segment_ids, "segment_ids", Extent::token},
    {Name::prior_kv, "prior_kv", Extent::prior},
    {Name::prior_gate, "prior_gate", Extent::prior},
    {Name::rope_frequencies, "rope_frequencies", Extent::pair},
    {Name::rope_cos, "rope_cos", Extent::position_pair},
    {Name::rope_sin, "rope_sin", Extent::position_pair},
    {Name::kv, "kv", Extent::feature},
    {Name::gate, "gate", Extent::feature},
    {Name::biased, "biased", Extent::window_feature},
    {Name::padded_gate, "padded_gate", Extent::window},
    {Name::values, "values", Extent::window},
    {Name::logits, "logits", Extent::window},
    {Name::row_max, "row_max", Extent::entry},
    {Name::shifted, "shifted", Extent::window},
    {Name::exp, "exp", Extent::window},
    {Name::denominator, "denominator", Extent::entry},
    {Name::log_denominator, "log_denominator", Extent::entry},
    {Name::softmax, "softmax", Extent::window},
    {Name::weights, "weights", Extent::window},
    {Name::products, "products", Extent::window},
    {Name::pooled, "pooled", Extent::entry},
    {Name::mean_square, "mean_square", Extent::row},
    {Name::normalized, "normalized", Extent::entry},
    {Name::normed, "normed", Extent::entry},
    {Name::rotated, "rotated", Extent::entry},
    {Name::hadamard, "hadamard", Extent::entry},
    {Name::quantized, "quantized", Extent::entry},
    {Name::output, "output", Extent::entry},
    {Name::hidden_kv, "hidden.kv", Extent::hidden},
    {Name::hidden_gate, "hidden.gate", Extent::hidden},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < name_count; ++i) {
    if (table[i].name != static_cast<Name>(i)) return false;
  }
  return true;
}
static_assert(in_order());

constexpr std::string_view gradient_prefix = "grad.";

/// hidden.kv and hidden.gate exist as gradients only; masks, ids and the cotangent have none, and tables are constants.
bool exists(Slot slot) {
  const bool backward_only = slot.name == Name::hidden_kv || slot.name == Name::hidden_gate;
  if (slot.direction == Direction::forward) return !backward_only;
  switch (slot.name) {
    case Name::cotangent:
    case Name::attention_mask:
    case Name::segment_ids:
    case Name::rope_frequencies:
    case Name::rope_cos:
    case Name::rope_sin:
      return false;
    default:
      return true;
  }
}

std::vector<std::string> known_slots() {
  std::vector<std::string> known;
  for (const Direction direction : {Direction::forward, Direction::backward}) {
    for (const Row& row : table) {
      if (exists({row.name, direction})) known.push_back(to_string(Slot{row.name, direction}));
    }
  }
  return known;
}

}  // namespace

std::string_view to_string(Name name) { return table[static_cast<std::size_t>(name)].text; }

std::string to_string(Slot slot) {
  const std::string text(to_string(slot.name));
  return slot.direction == Direction::forward ? text : std::string(gradient_prefix) + text;
}

std::optional<Slot> find_slot(std::string_view text) {
  const bool backward = text.starts_with(gradient_prefix);
  if (backward) text.remove_prefix(gradient_prefix.size());
  const auto found = std::find_if(table.begin(), table.end(), [&](const Row& row) { return row.text == text; });
  if (found == table.end()) return std::nullopt;
  const Slot slot{found->name, backward ? Direction::backward : Direction::forward};
  return exists(slot) ? std::optional(slot) : std::nullopt;
}

Slot parse_slot(std::string_view text) {
  if (const auto slot = find_slot(text)) return *slot;
  throw InputError(io::unknown_name("slot", text, known_slots()));
}

bool is_input(Name name) { return name <= Name::prior_gate; }

bool is_optional_input(Name name) { return name >= Name::attention_mask && name <= Name::prior_gate; }

Shape shape_of(Slot slot, const Config& config) {
  const std::size_t batch = config.batch;
  const std::size_t windows = config.windows();
  const std::size_t channels = config.head_dim;
  const std::size_t features = config.features();
  const std::size_t pairs = config.rope ? config.rope->dim / 2 : 0;
  switch (table[static_cast<std::size_t>(slot.name)].extent) {
    case Extent::hidden:
      return {batch, config.seq, config.hidden};
    case Extent::weight:
      return {features, config.hidden};
    case Extent::bias:
      return {config.ratio, features};
    case Extent::channel:
      return {channels};
    case Extent::entry:
      return {batch, windows, channels};
    case Extent::token:
      return {batch, config.seq};
    case Extent::prior:
      return {batch, config.ratio, features};
    case Extent::pair:
      return {pairs};
    case Extent::position_pair:
      return {windows, pairs};
    case Extent::feature:
      return {batch, config.seq, features};
    case Extent::window_feature:
      return {batch, windows, config.ratio, features};
    case Extent::window:
      return {batch, windows, config.window_slots(), channels};
    case Extent::row:
      return {batch, windows};
  }
  return {};
}

std::size_t element_count(const Shape& shape) {
  std::size_t count = 1;
  for (const std::size_t extent : shape) count *= extent;
  return count;
}

std::string to_string(const Shape& shape) { return io::to_string(shape); }

std::vector<std::size_t> unravel(std::size_t flat, const Shape& shape) {
  std::vector<std::size_t> index(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = flat % shape[axis];
    flat /= shape[axis];
  }
  return index;
}

Name last_forward_slot(const Config& config) {
  if (config.quantize) return Name::quantized;
  if (config.hadamard) return Name::hadamard;
  if (config.rope) return Name::rotated;
  return config.norm ? Name::normed : Name::pooled;
}

}  // namespace ulpscope::compressor
