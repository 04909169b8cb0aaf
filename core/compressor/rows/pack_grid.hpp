// SPDX-License-Identifier: Apache-2.0
// How packs lie over the channels of a frame whose results go past the caches: whole packs of results are whole lines.
#pragma once

#include <algorithm>

#include "core/compressor/rows/softmax_pool.hpp"

namespace ulpscope::compressor::rows {
inline namespace ULPSCOPE_LEVEL {

/// Bytes that memory moves at a time.
inline constexpr std::size_t line_bytes = 64;

/// Lanes [begin, end).
struct LaneRange {
  int begin = 0;
  int end = 0;
};

/// Packs that cover `channels` channels, a multiple of the lanes: side by side, or, where lines begin `shift` channels
/// later, with a first and a last pack that also hold channels of their neighbours. Equal channels, equal bits: only
/// one of the two stores them.
template <class A>
class PackGrid {
 public:
  PackGrid(int channels, int shift) : channels_(channels), shift_(shift) {}

  int packs() const { return channels_ / A::lanes + (shift_ == 0 ? 0 : 1); }
  /// The first channel of pack p.
  ULPSCOPE_INLINE int channel(int p) const {
    if (shift_ == 0) return p * A::lanes;
    return std::clamp((p - 1) * A::lanes + shift_, 0, channels_ - A::lanes);
  }
  /// The lanes that pack p stores: those of one line.
  ULPSCOPE_INLINE LaneRange own(int p) const {
    if (shift_ == 0) return {0, A::lanes};
    return {p == packs() - 1 ? shift_ : 0, p == 0 ? shift_ : A::lanes};
  }
  ULPSCOPE_INLINE bool is_whole(int p) const { return shift_ == 0 || (p != 0 && p != packs() - 1); }

 private:
  int channels_;
  int shift_;
};

/// Whether packs of a result are stored past the caches, and the channels before its first line.
struct Lines {
  bool whole = false;
  int shift = 0;
};

/// Packs as wide as a line, rows of both results equally far from one: whole lines, that need no reading before.
template <class A>
ULPSCOPE_INLINE Lines lines_of(const PoolGradients<A>& out) {
#if defined(__AVX512F__)
  using T = typename A::scalar_type;
  if constexpr (sizeof(typename A::value_type) == line_bytes) {
    const auto beyond = [](const T* row) { return reinterpret_cast<std::uintptr_t>(row) % line_bytes; };
    const std::uintptr_t at = beyond(out.values.own);
    const bool alike = beyond(out.values.previous) == at && beyond(out.logits.own) == at &&
                       beyond(out.logits.previous) == at && out.values.stride % A::lanes == 0;
    if (alike && at % sizeof(T) == 0) return {true, static_cast<int>((line_bytes - at) % line_bytes / sizeof(T))};
  }
#endif
  static_cast<void>(out);
  return {};
}

/// Stores a pack that is a line of memory past the caches: nothing is read for it. See finish_lines.
template <class V>
ULPSCOPE_INLINE void store_line([[maybe_unused]] precision::scalar_t<V>* to, [[maybe_unused]] const V& value) {
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == line_bytes) _mm512_stream_si512(reinterpret_cast<__m512i*>(to), __m512i(value));
#endif
}
/// Before another thread may read what store_line stored.
ULPSCOPE_INLINE void finish_lines() {
#if defined(__AVX512F__)
  _mm_sfence();
#endif
}

/// Copies less than 2 `piece` values, a power of two, in pieces of fixed size: a call would cost the caller's loop its
/// registers.
template <int piece, class T>
ULPSCOPE_INLINE void copy_few(const T* from, T* to, int count) {
  if ((count & piece) != 0) {
    __builtin_memcpy(to, from, piece * sizeof(T));
    from += piece;
    to += piece;
  }
  if constexpr (piece > 1) copy_few<piece / 2>(from, to, count);
}
/// Stores some lanes of a pack.
template <class V>
ULPSCOPE_INLINE void store_lanes(precision::scalar_t<V>* to, const V& value, LaneRange lanes) {
  precision::scalar_t<V> values[precision::lanes_v<V>];
  precision::store(values, value);
  copy_few<precision::lanes_v<V>>(values + lanes.begin, to + lanes.begin, lanes.end - lanes.begin);
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::compressor::rows
