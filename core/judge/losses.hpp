// SPDX-License-Identifier: Apache-2.0
// In which step exact values become 0, told by packs. Compiled once per SIMD level; internal to core/judge.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/judge/array_loops.hpp"
#include "precision/lanes.hpp"
#include "precision/unrolled.hpp"

namespace ulpscope::judge {
inline namespace ULPSCOPE_LEVEL {

/// Of doubles, whatever the values are; sums do not depend on how wide the packs are.
using LostPack = precision::Pack<double, std::min<int>(precision::native_lanes<double>, lost_lanes)>;

alignas(64) inline constexpr std::int64_t lane_bits[lost_lanes] = {1, 2, 4, 8, 16, 32, 64, 128};

/// What tell_losses adds to, in registers: the first lanes of the sums.
template <class V, std::size_t packs>
class Losses {
 public:
  static constexpr std::size_t lanes = precision::lanes_v<V>;
  /// Exact values that are told together.
  static constexpr std::size_t together = packs * lanes;

  ULPSCOPE_INLINE Losses(const StepEnds& ends, LossSums& sums) : sums_(sums) {
    precision::unrolled<loss_steps - 1>([&](std::size_t k)
                                            ULPSCOPE_INLINED { ends_[k] = precision::splat<V>(ends[k]); });
    each_sum([](auto& pack, auto* sum)
                 ULPSCOPE_INLINED { pack = precision::load<std::remove_reference_t<decltype(pack)>>(sum); });
  }
  ULPSCOPE_INLINE void store() {
    each_sum([](auto& pack, auto* sum)
                 ULPSCOPE_INLINED { precision::store<std::remove_reference_t<decltype(pack)>>(sum, pack); });
  }

  ULPSCOPE_INLINE RareLosses tell(const ExactValues& exact) {
    RareLosses rare;
    precision::unrolled<packs>([&](std::size_t p) ULPSCOPE_INLINED {
      const V zero{};
      const V infinity = precision::splat<V>(precision::infinity());
      const V value = precision::load<V>(exact.values + p * lanes);
      const V error = precision::load<V>(exact.errors + p * lanes);
      const V magnitude = precision::abs(value);
      const V low = magnitude - error;
      const V high = magnitude + error;
      I beyond[loss_steps - 1];
      I differ{};
      precision::unrolled<loss_steps - 1>([&](std::size_t k) ULPSCOPE_INLINED {
        beyond[k] = high > ends_[k];
        differ |= beyond[k] ^ (low > ends_[k]);
      });
      const I asked = (precision::load<I>(lane_bits + p * lanes) & static_cast<std::int64_t>(exact.asked)) != I{};
      const I known = asked & ~differ & (low > zero) & (high < infinity);
      from_[0][p] -= known;  // a comparison that holds is -1
      precision::unrolled<loss_steps - 1>([&](std::size_t k)
                                              ULPSCOPE_INLINED { from_[k + 1][p] -= known & beyond[k]; });
      squares_[p] += precision::select(known, value * value, zero);
      const I last = known & beyond[loss_steps - 2];
      const I other = asked & ~known;
      if (!precision::any(last | other)) return;
      const I nothing = (error == zero) & ((magnitude == zero) | ~(magnitude < infinity));
      const I open = other & ~nothing;
      for (std::size_t i = 0; i < lanes; ++i) {
        const auto bit = static_cast<std::uint64_t>(lane_bits[p * lanes + i]);
        rare.last |= last[i] != 0 ? bit : 0;
        rare.open |= open[i] != 0 ? bit : 0;
      }
    });
    return rare;
  }

 private:
  using I = precision::ints_t<V>;

  template <class F>
  ULPSCOPE_INLINE void each_sum(F of) {
    precision::unrolled<packs>([&](std::size_t p) ULPSCOPE_INLINED {
      precision::unrolled<loss_steps>([&](std::size_t k)
                                          ULPSCOPE_INLINED { of(from_[k][p], sums_.from[k].data() + p * lanes); });
      of(squares_[p], sums_.squares.data() + p * lanes);
    });
  }

  LossSums& sums_;
  V ends_[loss_steps - 1];
  I from_[loss_steps][packs];
  V squares_[packs];
};

using AllLosses = Losses<LostPack, lost_lanes / precision::lanes_v<LostPack>>;
using FewLosses = Losses<precision::Pack<double, 2>, 1>;

/// The i-th bit of `packed` to where the i-th one of `places` is.
inline std::uint64_t unpacked(std::uint64_t packed, std::uint64_t places) {
  std::uint64_t bits = 0;
  for (; packed != 0; packed >>= 1, places &= places - 1) bits |= (packed & 1) * (places & ~(places - 1));
  return bits;
}

template <class Sums>
ULPSCOPE_INLINE RareLosses tell_in_order(const ExactValues& exact, std::size_t count, Sums& losses) {
  RareLosses rare;
  for (std::size_t i = 0; i < count; i += Sums::together) {
    const std::uint64_t asked = exact.asked >> i & ((1U << Sums::together) - 1);
    if (asked == 0) continue;
    const RareLosses some = losses.tell({exact.values + i, exact.errors + i, asked});
    rare.last |= some.last << i;
    rare.open |= some.open << i;
  }
  return rare;
}

/// Twice as many as are told together at most, brought together first.
template <class Sums>
ULPSCOPE_INLINE RareLosses tell_packed(const ExactValues& exact, std::size_t count, Sums& losses) {
  double values[2 * Sums::together] = {};
  double errors[2 * Sums::together] = {};
  std::size_t i = 0;
  for (std::uint64_t some = exact.asked; some != 0; some &= some - 1, ++i) {
    const int place = __builtin_ctzll(some);
    values[i] = exact.values[place];
    errors[i] = exact.errors[place];
  }
  const RareLosses rare = tell_in_order({values, errors, (std::uint64_t{1} << count) - 1}, count, losses);
  return {unpacked(rare.last, exact.asked), unpacked(rare.open, exact.asked)};
}

template <class Sums>
RareLosses tell_by(const ExactValues& exact, std::size_t count, const StepEnds& ends, LossSums& sums) {
  Sums losses(ends, sums);
  const RareLosses rare =
      count <= 2 * Sums::together ? tell_packed(exact, count, losses) : tell_in_order(exact, loss_block, losses);
  losses.store();
  return rare;
}

inline RareLosses tell_losses(const ExactValues& exact, const StepEnds& ends, LossSums& sums) {
  const auto count = static_cast<std::size_t>(__builtin_popcountll(exact.asked));
  const bool are_few = count <= 2 * FewLosses::together;
  return are_few ? tell_by<FewLosses>(exact, count, ends, sums) : tell_by<AllLosses>(exact, count, ends, sums);
}

}  // namespace ULPSCOPE_LEVEL
}  // namespace ulpscope::judge
