// SPDX-License-Identifier: Apache-2.0
// Which window and channel an element belongs to, for every kind of slot.
#include "core/judge/layout.hpp"

#include "tests/support/catch.hpp"

using namespace ulpscope;
using compressor::Name;

namespace {

compressor::Config small_config() {
  compressor::Config config;
  config.mode = compressor::Mode::csa;
  config.ratio = 4;
  config.overlap = true;
  config.batch = 2;
  config.seq = 14;
  config.hidden = 6;
  config.head_dim = 8;
  return config;
}

judge::Layout layout_of(compressor::Slot slot) {
  const auto config = small_config();
  return judge::layout_of(slot, compressor::shape_of(slot, config), config);
}

}  // namespace

TEST_CASE("softmax slots of a window are rows of that window") {
  const judge::Layout layout = layout_of(compressor::forward(Name::logits));  // [2,3,8,8]
  CHECK(layout.windows == 6);
  CHECK(layout.rows_per_window == 8);
  const judge::Place place = judge::place_of(((1 * 3 + 2) * 8 + 5) * 8 + 7, layout);
  CHECK(judge::to_string(place, layout) == "window 2 of batch row 1, slot 5, channel 7");
}

TEST_CASE("tokens after the last whole window form one more window") {
  const judge::Layout layout = layout_of(compressor::forward(Name::kv));  // [2,14,16]
  CHECK(layout.windows == 8);
  CHECK(layout.windows_per_batch == 4);
  CHECK(layout.window_of_row(13) == 3);
  CHECK(layout.window_of_row(14) == 4);
}

TEST_CASE("entries have one row per window, mean_square no channels, parameters no windows") {
  CHECK(layout_of(compressor::gradient(Name::pooled)).rows_per_window == 1);
  const judge::Layout mean_square = layout_of(compressor::forward(Name::mean_square));
  CHECK_FALSE(mean_square.has_channels);
  CHECK(mean_square.windows == 6);
  const judge::Layout weight = layout_of(compressor::gradient(Name::w_kv));
  CHECK(weight.windows == 0);
  CHECK(judge::to_string(judge::place_of(7, weight), weight) == "[1,1]");
}

TEST_CASE("every slot's layout covers its elements") {
  const auto config = small_config();
  for (std::size_t i = 0; i < compressor::name_count; ++i) {
    const auto name = static_cast<Name>(i);
    if (name == Name::rope_frequencies || name == Name::rope_cos || name == Name::rope_sin) continue;  // no RoPE here
    const auto slot = compressor::gradient(name);
    const compressor::Shape shape = compressor::shape_of(slot, config);
    const judge::Layout layout = judge::layout_of(slot, shape, config);
    INFO(compressor::to_string(slot));
    CHECK(layout.size() == compressor::element_count(shape));
    if (layout.windows != 0) CHECK(layout.window_of_row(layout.rows - 1) == layout.windows - 1);
  }
}
