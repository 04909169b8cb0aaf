// SPDX-License-Identifier: Apache-2.0
// Loops over arrays, compiled once per SIMD level.
#include <algorithm>
#include <limits>
#include <utility>

#include "core/judge/array_loops_levels.hpp"
#include "core/judge/losses.hpp"
#include "precision/in_register.hpp"
#include "precision/lanes.hpp"
#include "precision/unrolled.hpp"

namespace ulpscope::judge {
inline namespace ULPSCOPE_LEVEL {
namespace {

/// The second half of `count` packs is added to the first one until `least` are left.
template <std::size_t count, std::size_t least, class V>
ULPSCOPE_INLINE void fold(V* packs) {
  if constexpr (count > least) {
    precision::unrolled<count / 2>([&](std::size_t i) ULPSCOPE_INLINED { packs[i] += packs[i + count / 2]; });
    fold<count / 2, least>(packs);
  }
}

/// The next `together` of the others: what is read of the line meets each of them. Reads are the limit: for three of
/// them four instead of six, and their sums fit sixteen registers.
template <std::size_t together, class T>
ULPSCOPE_INLINE void add_products(const LineParts<T>& parts, std::size_t first, T* sums) {
  using V = precision::Pack<T, std::min<int>(precision::native_lanes<T>, sum_lanes)>;
  constexpr std::size_t lanes = precision::lanes_v<V>;
  constexpr std::size_t packs = part_lanes / lanes;
  const T* others[together];
  precision::unrolled<together>(
      [&](std::size_t i) ULPSCOPE_INLINED { others[i] = parts.others + parts.places[first + i] * part_terms; });
  V found[together][packs] = {};
  for (std::size_t k = 0; k < part_terms; k += part_lanes) {
    precision::unrolled<packs>([&](std::size_t p) ULPSCOPE_INLINED {
      const V factor = precision::in_register(precision::load<V>(parts.line + k + p * lanes));
      precision::unrolled<together>([&](std::size_t i) ULPSCOPE_INLINED {
        found[i][p] += factor * precision::load<V>(others[i] + k + p * lanes);
      });
    });
  }
  precision::unrolled<together>([&](std::size_t i) ULPSCOPE_INLINED {
    fold<packs, sum_lanes / lanes>(found[i]);
    T* const to = sums + (first + i) * sum_lanes;
    precision::unrolled<sum_lanes / lanes>([&](std::size_t p) ULPSCOPE_INLINED {
      precision::store<V>(to + p * lanes, precision::load<V>(to + p * lanes) + found[i][p]);
    });
  });
}

template <class T>
void add_parts(const LineParts<T>& parts, T* sums) {
  std::size_t i = 0;
  for (; i + 3 <= parts.count; i += 3) add_products<3>(parts, i, sums);
  if (i + 2 == parts.count) return add_products<2>(parts, i, sums);
  if (i < parts.count) add_products<1>(parts, i, sums);
}

/// As many neighbours at a time as keep their sums in registers.
template <class T>
void add_scaled(const ScaledRow<T>* terms, std::size_t count, const T* rows, T* sums) {
  using V = precision::NativePack<T>;
  constexpr std::size_t lanes = precision::lanes_v<V>;
  constexpr std::size_t packs = std::min<std::size_t>(8, scaled_columns / lanes);
  for (std::size_t first = 0; first < scaled_columns; first += packs * lanes) {
    V own[packs] = {};
    for (std::size_t k = 0; k < count; ++k) {
      const T* const row = rows + terms[k].first + first;
      const V factor = precision::splat<V>(terms[k].factor);
      precision::unrolled<packs>([&](std::size_t p)
                                     ULPSCOPE_INLINED { own[p] += factor * precision::load<V>(row + p * lanes); });
    }
    precision::unrolled<packs>([&](std::size_t p) ULPSCOPE_INLINED {
      T* const sum = sums + first + p * lanes;
      precision::store<V>(sum, precision::load<V>(sum) + own[p]);
    });
  }
}

/// a[0] b[0] a[1] b[1] ..., of the lanes from `first` on.
template <int first, class V>
ULPSCOPE_INLINE V zipped(V a, V b) {
  constexpr int n = precision::lanes_v<V>;
  return [&]<int... i>(std::integer_sequence<int, i...>) ULPSCOPE_INLINED {
    return __builtin_shufflevector(a, b, (first + i / 2 + i % 2 * n)...);
  }
  (std::make_integer_sequence<int, n>{});
}

/// n packs of n lanes: the first half zipped with the second one, as often as n has bits.
template <int times, class V>
ULPSCOPE_INLINE void turn_packs(V* packs) {
  constexpr int n = precision::lanes_v<V>;
  if constexpr (times > 1) {
    V next[n];
    precision::unrolled<n / 2>([&](std::size_t i) ULPSCOPE_INLINED {
      next[2 * i] = zipped<0>(packs[i], packs[i + n / 2]);
      next[2 * i + 1] = zipped<n / 2>(packs[i], packs[i + n / 2]);
    });
    turn_packs<times / 2>(next);
    precision::unrolled<n>([&](std::size_t i) ULPSCOPE_INLINED { packs[i] = next[i]; });
  }
}

template <class T>
void turn(const T* from, std::size_t row, T* to) {
  using V = precision::Pack<T, std::min<int>(precision::native_lanes<T>, turned_side)>;
  constexpr std::size_t n = precision::lanes_v<V>;
  for (std::size_t k = 0; k < turned_side; k += n) {
    for (std::size_t i = 0; i < turned_side; i += n) {
      V packs[n];
      precision::unrolled<n>([&](std::size_t p)
                                 ULPSCOPE_INLINED { packs[p] = precision::load<V>(from + (k + p) * row + i); });
      turn_packs<n>(packs);
      precision::unrolled<n>([&](std::size_t p)
                                 ULPSCOPE_INLINED { precision::store<V>(to + (i + p) * part_terms + k, packs[p]); });
    }
  }
}

template <class T>
Bits<T> magnitude_bits(T value) {
  return __builtin_bit_cast(Bits<T>, value) & std::numeric_limits<Bits<T>>::max();
}
template <class T>
constexpr Bits<T> infinity_bits = __builtin_bit_cast(Bits<T>, std::numeric_limits<T>::infinity());

/// No branches within a loop, so that it costs little more than reading.
template <class T>
BlockCount count(const T* block, const Ends<T>& ends) {
  const Ends<T> local = ends;
  Bits<T> outside = 0;
  for (std::size_t i = 0; i < count_block; ++i) {
    const Bits<T> bits = magnitude_bits(block[i]);
    outside |= static_cast<Bits<T>>((bits < local.small) | (bits >= local.clamp));
  }
  if (outside == 0) return {};
  Bits<T> zero = 0;
  Bits<T> small = 0;
  Bits<T> clamped = 0;
  for (std::size_t i = 0; i < count_block; ++i) {
    const Bits<T> bits = magnitude_bits(block[i]);
    zero += static_cast<Bits<T>>(bits == 0);
    small += static_cast<Bits<T>>(bits < local.small);
    clamped += static_cast<Bits<T>>((bits >= local.clamp) & (bits < infinity_bits<T>));
  }
  return {static_cast<std::uint64_t>(zero), static_cast<std::uint64_t>(small), static_cast<std::uint64_t>(clamped)};
}

template <class T>
void mark(const T* block, const Ends<T>& ends, std::uint64_t* bits) {
  const Ends<T> local = ends;
  std::uint8_t flags[count_block];
  for (std::size_t i = 0; i < count_block; ++i) {
    const Bits<T> value = magnitude_bits(block[i]);
    flags[i] = static_cast<std::uint8_t>((value < local.small) | ((value >= local.clamp) & (value < infinity_bits<T>)));
  }
  for (std::size_t word = 0; word < count_block / 64; ++word) {
    bits[word] = 0;
    for (std::size_t i = 0; i < 64; i += 8) {
      std::uint64_t eight;
      __builtin_memcpy(&eight, flags + word * 64 + i, sizeof eight);
      // The product's highest byte has the i-th byte's 1 as its i-th bit: 8 i + 7 (8 - i) = 56 + i.
      bits[word] |= eight * 0x0102040810204080 >> 56 << i;
    }
  }
}

template <class T>
void add_lost(const T* values, const double* exact, std::size_t count, LostSums& sums) {
  using V = LostPack;
  using Given = precision::rebind_t<V, T>;
  constexpr std::size_t lanes = precision::lanes_v<V>;
  constexpr std::size_t packs = lost_lanes / lanes;
  const V largest = precision::splat<V>(std::numeric_limits<double>::max());
  V lost[packs];
  V all[packs];
  V number[packs];
  precision::unrolled<packs>([&](std::size_t p) ULPSCOPE_INLINED {
    lost[p] = precision::load<V>(sums.lost.data() + p * lanes);
    all[p] = precision::load<V>(sums.all.data() + p * lanes);
    number[p] = precision::load<V>(sums.count.data() + p * lanes);
  });
  for (std::size_t i = 0; i < count; i += lost_lanes) {
    precision::unrolled<packs>([&](std::size_t p) ULPSCOPE_INLINED {
      const V zero{};
      const auto is_zero = __builtin_convertvector(precision::load<Given>(values + i + p * lanes), V) == zero;
      const V value = precision::load<V>(exact + i + p * lanes);
      const V finite = precision::select(precision::abs(value) <= largest, value, zero);
      const V square = finite * finite;
      all[p] += square;
      lost[p] += precision::select(is_zero, square, zero);
      number[p] += precision::select(is_zero & (value == value) & (value != zero), precision::splat<V>(1.0), zero);
    });
  }
  precision::unrolled<packs>([&](std::size_t p) ULPSCOPE_INLINED {
    precision::store<V>(sums.lost.data() + p * lanes, lost[p]);
    precision::store<V>(sums.all.data() + p * lanes, all[p]);
    precision::store<V>(sums.count.data() + p * lanes, number[p]);
  });
}

template <class T>
void add_squares(const T* values, std::size_t count, double* sums) {
  using V = precision::NativePack<double>;
  using Given = precision::rebind_t<V, T>;
  constexpr std::size_t lanes = precision::lanes_v<V>;
  constexpr std::size_t packs = square_lanes / lanes;
  const V largest = precision::splat<V>(static_cast<double>(std::numeric_limits<T>::max()));
  V squares[packs];
  precision::unrolled<packs>([&](std::size_t p)
                                 ULPSCOPE_INLINED { squares[p] = precision::load<V>(sums + p * lanes); });
  for (std::size_t i = 0; i < count; i += square_lanes) {
    precision::unrolled<packs>([&](std::size_t p) ULPSCOPE_INLINED {
      const V value = __builtin_convertvector(precision::load<Given>(values + i + p * lanes), V);
      const V finite = precision::select(precision::abs(value) <= largest, value, V{});
      squares[p] += finite * finite;
    });
  }
  precision::unrolled<packs>([&](std::size_t p)
                                 ULPSCOPE_INLINED { precision::store<V>(sums + p * lanes, squares[p]); });
}

template <class T>
void estimate(const RowSums<T>& sums, double* values, double* errors) {
  using V = LostPack;
  using Given = precision::rebind_t<V, T>;
  constexpr std::size_t lanes = precision::lanes_v<V>;
  const V relative = precision::splat<V>(sums.relative);
  const V absolute = precision::splat<V>(sums.absolute);
  precision::unrolled<scaled_columns / lanes>([&](std::size_t p) ULPSCOPE_INLINED {
    const std::size_t i = p * lanes;
    precision::store<V>(values + i, __builtin_convertvector(precision::load<Given>(sums.sums + i), V));
    precision::store<V>(errors + i, relative * precision::load<V>(sums.norms + i) + absolute);
  });
}

template <class T>
void add_row_squares(const T* row, std::size_t count, T* columns, T* lanes) {
  using V = precision::NativePack<T>;
  constexpr std::size_t n = precision::lanes_v<V>;
  constexpr std::size_t packs = row_lanes / n;
  V own[packs];
  precision::unrolled<packs>([&](std::size_t p) ULPSCOPE_INLINED { own[p] = precision::load<V>(lanes + p * n); });
  for (std::size_t i = 0; i < count; i += row_lanes) {
    precision::unrolled<packs>([&](std::size_t p) ULPSCOPE_INLINED {
      const V value = precision::load<V>(row + i + p * n);
      const V square = value * value;
      T* const column = columns + i + p * n;
      precision::store<V>(column, precision::load<V>(column) + square);
      own[p] += square;
    });
  }
  precision::unrolled<packs>([&](std::size_t p) ULPSCOPE_INLINED { precision::store<V>(lanes + p * n, own[p]); });
}

template <class T>
constexpr ArrayLoops<T> loops_of{add_parts<T>,   add_scaled<T>, turn<T>,     count<T>,    mark<T>,
                                 add_squares<T>, add_lost<T>,   tell_losses, estimate<T>, add_row_squares<T>};

}  // namespace

const ArrayLoops<float>& float_loops() { return loops_of<float>; }
const ArrayLoops<double>& double_loops() { return loops_of<double>; }

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::judge
