// SPDX-License-Identifier: Apache-2.0
// The pass over a slot's elements is the whole cost of a slot that holds nothing to explain.
#include "core/judge/ledger_count.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

namespace ulpscope::judge {
namespace {

double square(double x) { return x * x; }

/// Elements that are looked at together.
constexpr std::size_t count_block = 256;
/// Subnormal numbers beyond this share of a slot are worth a pass over what its stage reads.
constexpr std::size_t many_share = 256;

/// By mechanism and effect, until they are written into a line.
class Causes {
 public:
  std::uint64_t& of(Mechanism mechanism, Effect effect) {
    return counts_[static_cast<std::size_t>(mechanism)][static_cast<std::size_t>(effect)];
  }
  std::vector<Cause> list() const {
    std::vector<Cause> causes;
    for (std::size_t mechanism = 0; mechanism < counts_.size(); ++mechanism) {
      for (std::size_t effect = 0; effect < counts_[mechanism].size(); ++effect) {
        const std::uint64_t count = counts_[mechanism][effect];
        if (count != 0) causes.push_back({static_cast<Mechanism>(mechanism), static_cast<Effect>(effect), count});
      }
    }
    return causes;
  }

 private:
  std::array<std::array<std::uint64_t, 4>, 11> counts_{};
};

double sum_of_squares(const compressor::Tensor& tensor) {
  const Values values(tensor);
  double sum = 0;
  for (std::size_t i = 0; i < tensor.size(); ++i) {
    const double value = values[i];
    sum += std::isfinite(value) ? square(value) : 0;
  }
  return sum;
}

double share_of(double part, double whole) { return part == 0 ? 0 : std::sqrt(part / whole); }

/// Of a float's or double's bits, without the sign: their order is that of magnitudes. Signed, for which every
/// processor has a comparison of packs.
template <class T>
using Bits = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
template <class T>
Bits<T> magnitude_bits(T value) {
  return std::bit_cast<Bits<T>>(value) & std::numeric_limits<Bits<T>>::max();
}

/// Ends between kinds of magnitudes: 0, small ones, ordinary ones, clamped ones, infinity.
template <class T>
struct Ends {
  Bits<T> normal;
  Bits<T> clamp;
};

/// How many of `count_block` values are of each kind: no branches, so that it costs little more than reading.
template <class T>
struct BlockCount {
  Bits<T> zero = 0;
  Bits<T> small = 0;    ///< zeros too
  Bits<T> clamped = 0;  ///< finite
  bool is_ordinary() const { return small + clamped == 0; }

  BlockCount(const T* values, const Ends<T>& ends) {
    constexpr Bits<T> infinity = std::bit_cast<Bits<T>>(std::numeric_limits<T>::infinity());
    Bits<T> outside = 0;
    for (std::size_t i = 0; i < count_block; ++i) {
      const Bits<T> bits = magnitude_bits(values[i]);
      outside |= static_cast<Bits<T>>((bits < ends.normal) | (bits >= ends.clamp));
    }
    if (outside == 0) return;
    for (std::size_t i = 0; i < count_block; ++i) {
      const Bits<T> bits = magnitude_bits(values[i]);
      zero += static_cast<Bits<T>>(bits == 0);
      small += static_cast<Bits<T>>(bits < ends.normal);
      clamped += static_cast<Bits<T>>((bits >= ends.clamp) & (bits < infinity));
    }
  }
};

/// A carrier may be narrower than the format; its zeros are to be seen all the same.
template <class T>
Ends<T> ends_of(const SlotMechanism& mechanism, T) {
  const T normal = static_cast<T>(precision::min_normal(mechanism.storage()));
  return {std::max(magnitude_bits(normal), Bits<T>{1}), magnitude_bits(static_cast<T>(mechanism.clamp()))};
}

}  // namespace

template <class T>
void SlotCount::count(std::span<const T> values) {
  const Ends<T> ends = ends_of(mechanism_, T{});
  const std::size_t whole = values.size() / count_block * count_block;
  for (std::size_t first = 0; first < whole; first += count_block) {
    const BlockCount<T> counts(values.data() + first, ends);
    line_.zero += static_cast<std::uint64_t>(counts.zero);
    line_.subnormal += static_cast<std::uint64_t>(counts.small - counts.zero);
    if (counts.zero + counts.clamped != 0) add_candidates(values.subspan(first, count_block), first, 0);
  }
  for (const T value : values.subspan(whole)) {
    line_.zero += value == 0;
    line_.subnormal += value != 0 && magnitude_bits(value) < ends.normal;
  }
  add_candidates(values.subspan(whole), whole, 0);
}

/// Of `values`, which begin at element `first`: zeros, those below `normal`, clamped ones.
template <class T>
void SlotCount::add_candidates(std::span<const T> values, std::size_t first, double normal) {
  const double clamp = mechanism_.clamp();
  // Zeros stand where they like: each index is written, and stays where its number is a candidate.
  std::size_t next = candidates_.size();
  candidates_.resize(next + values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double magnitude = std::fabs(static_cast<double>(values[i]));
    candidates_[next] = first + i;
    next += static_cast<std::size_t>((magnitude == 0) | (magnitude < normal) |
                                     ((magnitude >= clamp) & (magnitude < HUGE_VAL)));
  }
  candidates_.resize(next);
}

bool SlotCount::has_many_subnormals() const {
  return mechanism_.subnormals_need_exact() && line_.subnormal > found_.size() / many_share;
}

void SlotCount::ask_subnormals() {
  if (line_.subnormal == 0 || !mechanism_.subnormals_need_exact()) return;
  candidates_.clear();
  const double normal = precision::min_normal(mechanism_.storage());
  const auto ask = [&](const auto& values) {
    const std::span all(values.data(), values.size());
    for (std::size_t first = 0; first < all.size(); first += count_block) {
      const auto block = all.subspan(first, std::min(count_block, all.size() - first));
      const bool whole = block.size() == count_block;
      if (whole && BlockCount(block.data(), ends_of(mechanism_, values[0])).is_ordinary()) continue;
      add_candidates(block, first, normal);
    }
  };
  std::visit(ask, found_.data);
}

SlotCount::SlotCount(compressor::Slot slot, const compressor::Tensor& found, SlotMechanism mechanism)
    : found_(found), mechanism_(std::move(mechanism)) {
  line_.slot = slot;
  line_.format = mechanism_.storage().name;
  line_.count = found.size();
  std::visit([this](const auto& values) { count(std::span(values.data(), values.size())); }, found.data);
}

void SlotCount::add_truth(LedgerLine& line, const compressor::Tensor& truth) const {
  if (line.zero == 0 || truth.size() != found_.size()) return;
  const Values found(found_);
  const Values exact(truth);
  double lost = 0;
  for (const std::size_t i : candidates_) {
    if (found[i] != 0 || exact[i] == 0 || std::isnan(exact[i])) continue;
    ++line.underflowed;
    if (std::isfinite(exact[i])) lost += square(exact[i]);
  }
  line.lost = lost == 0 ? 0 : share_of(lost, sum_of_squares(truth));
}

void SlotCount::add_causes(LedgerLine& line, const std::vector<double>& exact, const WindowGrid* pads) {
  const Values found(found_);
  const double normal = precision::min_normal(mechanism_.storage());
  line.became_zero = 0;
  Causes causes;
  if (!mechanism_.subnormals_need_exact()) {
    if (const auto how = mechanism_.of_subnormal(0)) causes.of(*how, Effect::subnormal) = line.subnormal;
  }
  double lost = 0;
  for (std::size_t k = 0; k < candidates_.size(); ++k) {
    const std::size_t i = candidates_[k];
    if (found[i] != 0) {
      if (mechanism_.is_clamped(found[i], exact[k])) {
        ++line.saturated;
        ++causes.of(Mechanism::saturation, Effect::clamped);
      } else if (std::fabs(found[i]) < normal) {
        if (const auto how = mechanism_.of_subnormal(exact[k])) ++causes.of(*how, Effect::subnormal);
      }
      continue;
    }
    if (exact[k] == 0 || !std::isfinite(exact[k])) continue;
    ++*line.became_zero;
    line.at_pads += pads != nullptr && pads->is_padded(i);
    lost += square(exact[k]);
    const Mechanism how = mechanism_.of_zero(exact[k]);
    line.flushed += how == Mechanism::flush;
    ++causes.of(how, Effect::zero);
    if (!mechanism_.formats_give_zero(exact[k])) doubtful_.push_back({i, how});
  }
  line.causes = causes.list();
  line.lost_here = lost == 0 ? 0 : share_of(lost, lost + sum_of_squares(found_));
}

void SlotCount::add_unexplained(LedgerLine& line, const Replayed& replayed) const {
  Causes causes;
  for (const Cause& cause : line.causes) causes.of(cause.mechanism, cause.effect) = cause.count;
  for (const Doubt& doubt : doubtful_) {
    if (replayed.low[doubt.element] <= 0 && replayed.high[doubt.element] >= 0) continue;
    --causes.of(doubt.mechanism, Effect::zero);
    ++causes.of(Mechanism::unexplained, Effect::zero);
  }
  line.causes = causes.list();
}

}  // namespace ulpscope::judge
