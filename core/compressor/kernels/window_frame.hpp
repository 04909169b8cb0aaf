// SPDX-License-Identifier: Apache-2.0
// A window-local frame: the slots of one window over a block of channels, in a caller's scratch; loads, gathers,
// stores.
#pragma once

#include <cstdint>
#include <type_traits>

#include "core/compressor/kernels/phase.hpp"
#include "core/compressor/rows/softmax_pool.hpp"

namespace ulpscope::compressor::kernels {
inline namespace ULPSCOPE_LEVEL {

/// Copies in packs: rows of a frame are too short for a call of memcpy.
template <class A>
ULPSCOPE_HD void copy_values(const typename A::scalar_type* from, std::size_t count, typename A::scalar_type* to) {
  std::size_t i = 0;
  if constexpr (A::lanes > 1) {
    using V = typename A::value_type;
    constexpr auto lanes = static_cast<std::size_t>(A::lanes);
    for (; i + lanes <= count; i += lanes) precision::store(to + i, precision::load<V>(from + i));
  }
  for (; i < count; ++i) to[i] = from[i];
}
/// to = from + zero
template <class A>
ULPSCOPE_HD void add_values(const typename A::scalar_type* from, std::size_t count, double zero,
                            typename A::scalar_type* to) {
  std::size_t i = 0;
  if constexpr (A::lanes > 1) {
    using V = typename A::value_type;
    constexpr auto lanes = static_cast<std::size_t>(A::lanes);
    for (; i + lanes <= count; i += lanes)
      precision::store(to + i, rows::plus_zero(precision::load<V>(from + i), zero));
  }
  for (; i < count; ++i) to[i] = rows::plus_zero(from[i], zero);
}
template <class T>
ULPSCOPE_HD void fill_values(T* begin, T* end, const T& value) {
  for (; begin != end; ++begin) *begin = value;
}

template <class A>
class WindowFrame {
 public:
  using T = typename A::scalar_type;

  /// `arena` holds the frame's rows, job.stride apart.
  ULPSCOPE_HD WindowFrame(const PreparedPhase<A>& phase, T* arena)
      : job(phase), slots(static_cast<int>(phase.geometry.window_slots)), arena_(arena) {}

  /// Moves to window `w` (a row of [B*n]) and channels [channel, channel + count).
  ULPSCOPE_HD void move_to(std::size_t w, std::size_t channel, std::size_t count) {
    window = w;
    batch = w / job.geometry.windows;
    first_channel = channel;
    active = count;
    padded = job.padded + w * static_cast<std::size_t>(slots);
    const auto width = static_cast<std::size_t>(job.width);
    ahead_ = channel + width < job.geometry.head_dim ? width : job.geometry.ratio * job.geometry.features - channel;
  }

  ULPSCOPE_HD rows::Rows<A> rows(std::size_t slot_index, int channel) const {
    return {buffer(slot_index) + channel, job.stride};
  }
  /// Rows of the prior window that stand before `tokens`: raw, or with their bias.
  ULPSCOPE_HD const T* prior(Slot tokens) const {
    if (tokens.name == Name::biased) return job.prior_biased;
    return job.views[index_of(tokens.name == Name::kv ? Name::prior_kv : Name::prior_gate)].data;
  }
  ULPSCOPE_HD T* buffer(std::size_t slot_index) const { return arena_ + job.places[slot_index]; }

  ULPSCOPE_HD void load() const {
    for (int i = 0; i < job.load_count; ++i) load(job.loads[static_cast<std::size_t>(i)]);
  }
  ULPSCOPE_HD void store() const {
    for (int i = 0; i < job.store_count; ++i) store(job.stores[static_cast<std::size_t>(i)]);
  }

  /// The token of softmax slot r: r < ratio under overlap is the previous window's, first half; else this window's.
  struct Token {
    bool previous;       ///< of the window before
    std::size_t row;     ///< in its window
    std::size_t column;  ///< first feature of this frame's channels
  };
  ULPSCOPE_HD Token token(int r) const {
    const Geometry& geometry = job.geometry;
    const auto slot = static_cast<std::size_t>(r);
    const bool previous = geometry.overlap && slot < geometry.ratio;
    const bool second_half = geometry.overlap && !previous;
    return {previous, slot - (second_half ? geometry.ratio : 0), (second_half ? geometry.head_dim : 0) + first_channel};
  }

  /// Whether slot r is the prior window's.
  ULPSCOPE_HD bool is_prior(int r) const { return token(r).previous && in_window() == 0; }

  /// Where slot r's values come from: a token row of `tokens`, or of the prior window. Null: a pad.
  ULPSCOPE_HD const T* source(int r, Slot tokens) const {
    if (padded[r] != 0) return nullptr;
    const Token at = token(r);
    if (is_prior(r)) {
      return prior(tokens) + (batch * job.geometry.ratio + at.row) * job.geometry.features + at.column;
    }
    return job.views[tokens.index()].row(token_row(at, tokens)) + at.column;
  }

  /// Where slot r's gradient goes in `slot`; null where it belongs to another slot (prior or not) or nowhere.
  ULPSCOPE_HD T* target(int r, Slot slot) const {
    const Token at = token(r);
    const bool of_prior = is_prior(r);
    const bool prior_slot = slot.name == Name::prior_kv || slot.name == Name::prior_gate;
    if (of_prior != prior_slot) return nullptr;
    const View<T>& view = job.views[slot.index()];
    return view.row(of_prior ? batch * job.geometry.ratio + at.row : token_row(at, slot)) + at.column;
  }

  /// The rows of ape that are added to the window's tokens.
  ULPSCOPE_HD rows::TokenRows<A> bias_rows() const {
    const View<T>& ape = job.views[index_of(Name::ape)];
    const auto first = [&](int r) { return ape.row(token(r).row) + token(r).column; };
    return spread(first(0), first(own_slot()));
  }
  /// The rows of `tokens` that belong to this window's slots, where all of them are tokens of this batch row.
  ULPSCOPE_HD rows::TokenRows<A> token_rows(Slot tokens) const {
    const View<T>& view = job.views[tokens.index()];
    const auto first = [&](int r) { return view.row(token_row(token(r), tokens)) + token(r).column; };
    return spread(first(0), first(own_slot()));
  }
  ULPSCOPE_HD Draws draws(Slot slot) const {
    return {draw_key(job.seed, slot), window * job.geometry.head_dim + first_channel};
  }
  ULPSCOPE_HD bool is_first_of_row() const { return in_window() == 0; }

  /// Asks for what the frame after this one will read in place of `source`: rows are far apart, and no hardware sees
  /// that.
  ULPSCOPE_HD void fetch_ahead(const T* source) const { fetch(source, ahead_); }
  /// Asks for what these channels of the next window will load.
  ULPSCOPE_HD void fetch_next_loads() const {
    for (int i = 0; i < job.load_count; ++i) {
      const Transfer& transfer = job.loads[static_cast<std::size_t>(i)];
      const std::size_t window_values =
          static_cast<std::size_t>(transfer.rows) * job.views[transfer.slot.index()].width;
      for (int r = 0; r < transfer.rows; ++r) fetch(outside(transfer, r), window_values);
    }
  }

  const PreparedPhase<A>& job;
  int slots;
  std::size_t window = 0;
  std::size_t batch = 0;
  std::size_t first_channel = 0;
  std::size_t active = 0;
  const std::uint8_t* padded = nullptr;

 private:
  static constexpr std::size_t cache_line = 64;
  /// Asks for the frame's channels of a row `ahead` values behind `source`. There may be nothing.
  ULPSCOPE_HD void fetch([[maybe_unused]] const T* source, [[maybe_unused]] std::size_t ahead) const {
#if !defined(__CUDA_ARCH__)
    if constexpr (std::is_floating_point_v<T>) {
      const auto next = reinterpret_cast<std::uintptr_t>(source) + ahead * sizeof(T);
      for (std::size_t byte = 0; byte < active * sizeof(T); byte += cache_line) {
        __builtin_prefetch(reinterpret_cast<const void*>(next + byte), 0, 2);
      }
    }
#endif
  }
  ULPSCOPE_HD std::size_t in_window() const { return window % job.geometry.windows; }
  ULPSCOPE_HD std::size_t token_row(const Token& at, Slot slot) const {
    const Geometry& geometry = job.geometry;
    const std::size_t per_batch = slot.name == Name::biased ? geometry.windows * geometry.ratio : geometry.seq;
    return batch * per_batch + (in_window() - (at.previous ? 1 : 0)) * geometry.ratio + at.row;
  }
  /// The first slot of the window's own tokens.
  ULPSCOPE_HD int own_slot() const { return job.geometry.overlap ? static_cast<int>(job.geometry.ratio) : 0; }
  ULPSCOPE_HD rows::TokenRows<A> spread(T* previous, T* own) const {
    const auto stride = static_cast<std::ptrdiff_t>(job.geometry.features);
    return {previous, own, own_slot(), stride, static_cast<std::ptrdiff_t>(ahead_)};
  }
  /// Row r of a slot of this window, outside the frame and in it.
  ULPSCOPE_HD T* outside(const Transfer& transfer, int r) const {
    const std::size_t first = window * static_cast<std::size_t>(transfer.rows);
    return job.views[transfer.slot.index()].row(first + static_cast<std::size_t>(r)) + first_channel;
  }
  ULPSCOPE_HD T* inside(const Transfer& transfer, int r) const {
    return buffer(transfer.slot.index()) + static_cast<std::ptrdiff_t>(r) * job.stride;
  }
  ULPSCOPE_HD void load(const Transfer& transfer) const {
    for (int r = 0; r < transfer.rows; ++r) {
      T* to = inside(transfer, r);
      copy_values<A>(outside(transfer, r), active, to);
      fill_values(to + active, to + job.width, T(0));
    }
  }
  ULPSCOPE_HD void store(const Transfer& transfer) const {
    for (int r = 0; r < transfer.rows; ++r) copy_values<A>(inside(transfer, r), active, outside(transfer, r));
  }

  T* arena_;
  std::size_t ahead_ = 0;  ///< values from a token's channels in this frame to the next frame's
};

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::kernels
