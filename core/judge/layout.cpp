// SPDX-License-Identifier: Apache-2.0
// How each slot's axes are read: [B,n,L,d], [B,n,d], [B,n], [B,S,F] have windows; parameters have none.
#include "core/judge/layout.hpp"

#include <fmt/format.h>

namespace ulpscope::judge {
namespace {

using compressor::Config;
using compressor::Name;
using compressor::Shape;
using compressor::Slot;

enum class Axes { parameter, tokens, windows, window_slots, table };

Axes axes_of(Name name) {
  switch (name) {
    case Name::w_kv:
    case Name::w_gate:
    case Name::ape:
    case Name::gamma:
    case Name::prior_kv:
    case Name::prior_gate:
    case Name::rope_frequencies:
      return Axes::parameter;
    case Name::hidden:
    case Name::hidden_kv:
    case Name::hidden_gate:
    case Name::attention_mask:
    case Name::segment_ids:
    case Name::kv:
    case Name::gate:
      return Axes::tokens;
    case Name::rope_cos:
    case Name::rope_sin:
      return Axes::table;
    case Name::biased:
    case Name::padded_gate:
    case Name::values:
    case Name::logits:
    case Name::shifted:
    case Name::exp:
    case Name::softmax:
    case Name::weights:
    case Name::products:
      return Axes::window_slots;
    default:
      return Axes::windows;
  }
}

bool is_flat(Name name) {
  return name == Name::mean_square || name == Name::attention_mask || name == Name::segment_ids;
}

std::size_t ceiling(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

}  // namespace

Layout layout_of(Slot slot, const Shape& shape, const Config& config) {
  Layout layout;
  const std::size_t count = compressor::element_count(shape);
  layout.has_channels = !is_flat(slot.name) && !shape.empty();
  layout.channels = layout.has_channels ? shape.back() : 1;
  layout.rows = layout.channels == 0 ? 0 : count / layout.channels;
  const Axes axes = axes_of(slot.name);
  if (axes == Axes::parameter || count == 0) return layout;
  const std::size_t batch = axes == Axes::table ? 1 : shape.front();
  layout.rows_per_batch = layout.rows / batch;
  if (axes == Axes::tokens) layout.rows_per_window = config.ratio;
  if (axes == Axes::window_slots) layout.rows_per_window = shape.at(2);
  layout.windows_per_batch = ceiling(layout.rows_per_batch, layout.rows_per_window);
  layout.windows = batch * layout.windows_per_batch;
  return layout;
}

Layout plain_layout(const Shape& shape) {
  Layout layout;
  layout.has_channels = !shape.empty();
  layout.channels = shape.empty() ? 1 : shape.back();
  layout.rows = layout.channels == 0 ? 0 : compressor::element_count(shape) / layout.channels;
  return layout;
}

Place place_of(std::size_t flat, const Layout& layout) {
  const std::size_t row = flat / layout.channels;
  const std::size_t in_batch = row % layout.rows_per_batch;
  return {row / layout.rows_per_batch, in_batch / layout.rows_per_window, in_batch % layout.rows_per_window,
          flat % layout.channels};
}

std::string to_string(const Place& place, const Layout& layout) {
  if (layout.windows == 0) {
    return layout.rows > 1 ? fmt::format("[{},{}]", place.batch, place.channel) : fmt::format("[{}]", place.channel);
  }
  std::string text = fmt::format("window {}", place.window);
  if (layout.windows > layout.windows_per_batch) text += fmt::format(" of batch row {}", place.batch);
  if (layout.rows_per_window > 1) text += fmt::format(", slot {}", place.slot_index);
  if (layout.has_channels) text += fmt::format(", channel {}", place.channel);
  return text;
}

}  // namespace ulpscope::judge
