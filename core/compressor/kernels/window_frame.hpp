// SPDX-License-Identifier: Apache-2.0
// A window-local frame: the slots of one window over a block of channels, in a caller's scratch; loads, gathers,
// stores.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>

#include "core/compressor/draws.hpp"
#include "core/compressor/kernels/job.hpp"
#include "core/compressor/kernels/ops.hpp"
#include "core/compressor/rows/softmax_pool.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

/// Copies in packs: rows of a frame are too short for a call of memcpy.
template <class A>
void copy_values(const typename A::scalar_type* from, std::size_t count, typename A::scalar_type* to) {
  std::size_t i = 0;
  if constexpr (A::lanes > 1) {
    using V = typename A::value_type;
    constexpr auto lanes = static_cast<std::size_t>(A::lanes);
    for (; i + lanes <= count; i += lanes) precision::store(to + i, precision::load<V>(from + i));
  }
  std::copy_n(from + i, count - i, to + i);
}

template <class A>
class WindowFrame {
 public:
  using T = typename A::scalar_type;

  WindowFrame(const PhaseJob<T>& phase, T* arena) : job(phase), slots(static_cast<int>(phase.config->window_slots())) {
    for (const auto* list : {&job.loads, &job.steps}) {
      for (const Slot slot : *list) buffers_[slot.index()] = arena + job.places[slot.index()];
    }
  }

  /// Moves to window `w` (a row of [B*n]) and channels [channel, channel + count).
  void move_to(std::size_t w, std::size_t channel, std::size_t count) {
    window = w;
    batch = w / job.config->windows();
    first_channel = channel;
    active = count;
    padded = job.padded + w * static_cast<std::size_t>(slots);
    const auto width = static_cast<std::size_t>(job.channels);
    ahead_ = channel + width < job.config->head_dim ? width : job.config->ratio * job.config->features() - channel;
  }

  rows::Rows<A> rows(std::size_t slot_index, int channel) const {
    return {buffers_[slot_index] + channel, job.channels};
  }
  /// Rows of the prior window that stand before `tokens`: raw, or with their bias.
  const T* prior(Slot tokens) const {
    if (tokens.name == Name::biased) return job.prior_biased;
    return (*job.views)[index_of(tokens.name == Name::kv ? Name::prior_kv : Name::prior_gate)].data;
  }
  T* buffer(std::size_t slot_index) const { return buffers_[slot_index]; }

  void load() const {
    for (const Slot slot : job.loads) transfer(slot, Transfer::load);
  }
  void store() const {
    for (const Slot slot : job.steps) {
      if ((*job.views)[slot.index()] && level_of(slot) != Level::token) transfer(slot, Transfer::store);
    }
  }

  /// The token of softmax slot r: r < ratio under overlap is the previous window's, first half; else this window's.
  struct Token {
    bool previous;       ///< of the window before
    std::size_t row;     ///< in its window
    std::size_t column;  ///< first feature of this frame's channels
  };
  Token token(int r) const {
    const Config& config = *job.config;
    const auto slot = static_cast<std::size_t>(r);
    const bool previous = config.overlap && slot < config.ratio;
    const bool second_half = config.overlap && !previous;
    return {previous, slot - (second_half ? config.ratio : 0), (second_half ? config.head_dim : 0) + first_channel};
  }

  /// Whether slot r is the prior window's.
  bool is_prior(int r) const { return token(r).previous && in_window() == 0; }

  /// Where slot r's values come from: a token row of `tokens`, or of the prior window. Null: a pad.
  const T* source(int r, Slot tokens) const {
    if (padded[r] != 0) return nullptr;
    const Token at = token(r);
    if (is_prior(r)) {
      return prior(tokens) + (batch * job.config->ratio + at.row) * job.config->features() + at.column;
    }
    return (*job.views)[tokens.index()].row(token_row(at, tokens)) + at.column;
  }

  /// Where slot r's gradient goes in `slot`; null where it belongs to another slot (prior or not) or nowhere.
  T* target(int r, Slot slot) const {
    const Token at = token(r);
    const bool of_prior = is_prior(r);
    const bool prior_slot = slot.name == Name::prior_kv || slot.name == Name::prior_gate;
    if (of_prior != prior_slot) return nullptr;
    const View<T>& view = (*job.views)[slot.index()];
    return view.row(of_prior ? batch * job.config->ratio + at.row : token_row(at, slot)) + at.column;
  }

  /// The rows of `tokens` that belong to this window's slots, where all of them are tokens of this batch row.
  rows::TokenRows<A> token_rows(Slot tokens) const {
    const View<T>& view = (*job.views)[tokens.index()];
    const auto first = [&](int r) { return view.row(token_row(token(r), tokens)) + token(r).column; };
    return spread(first(0), first(own_slot()));
  }
  Draws draws(Slot slot) const { return {draw_key(job.seed, slot), window * job.config->head_dim + first_channel}; }
  bool is_first_of_row() const { return in_window() == 0; }

  /// Asks for what the frame after this one will read in place of `source`: rows are far apart, and no hardware sees
  /// that.
  void fetch_ahead([[maybe_unused]] const T* source) const {
    if constexpr (std::is_floating_point_v<T>) {
      const auto next = reinterpret_cast<std::uintptr_t>(source) + ahead_ * sizeof(T);
      for (std::size_t byte = 0; byte < active * sizeof(T); byte += cache_line) {
        __builtin_prefetch(reinterpret_cast<const void*>(next + byte), 0, 2);
      }
    }
  }

  const PhaseJob<T>& job;
  int slots;
  std::size_t window = 0;
  std::size_t batch = 0;
  std::size_t first_channel = 0;
  std::size_t active = 0;
  const std::uint8_t* padded = nullptr;

 private:
  enum class Transfer : std::uint8_t { load, store };
  static constexpr std::size_t cache_line = 64;
  std::size_t in_window() const { return window % job.config->windows(); }
  std::size_t token_row(const Token& at, Slot slot) const {
    const Config& config = *job.config;
    const std::size_t per_batch = slot.name == Name::biased ? config.windows() * config.ratio : config.seq;
    return batch * per_batch + (in_window() - (at.previous ? 1 : 0)) * config.ratio + at.row;
  }
  /// The first slot of the window's own tokens.
  int own_slot() const { return job.config->overlap ? static_cast<int>(job.config->ratio) : 0; }
  rows::TokenRows<A> spread(T* previous, T* own) const {
    const auto stride = static_cast<std::ptrdiff_t>(job.config->features());
    return {previous, own, own_slot(), stride, static_cast<std::ptrdiff_t>(ahead_)};
  }
  std::size_t rows_of(Slot slot) const { return frame_rows(slot, *job.config); }

  void transfer(Slot slot, Transfer direction) const {
    const View<T>& view = (*job.views)[slot.index()];
    const std::size_t count = rows_of(slot);
    const auto width = static_cast<std::size_t>(job.channels);
    for (std::size_t r = 0; r < count; ++r) {
      T* outside = view.row(window * count + r) + first_channel;
      T* inside = buffers_[slot.index()] + r * width;
      if (direction == Transfer::load) {
        copy_values<A>(outside, active, inside);
        std::fill(inside + active, inside + width, T(0));
      } else {
        copy_values<A>(inside, active, outside);
      }
    }
  }

  std::array<T*, slot_count> buffers_{};
  std::size_t ahead_ = 0;  ///< values from a token's channels in this frame to the next frame's
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
