// SPDX-License-Identifier: Apache-2.0
// The pass over a slot's elements is the whole cost of a slot that holds nothing to explain.
#include "core/judge/ledger_count.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <type_traits>

namespace ulpscope::judge {
namespace {

double square(double x) { return x * x; }

/// Elements that are looked at together.
constexpr std::size_t count_block = 256;

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
    if (std::isfinite(values[i])) sum += square(values[i]);
  }
  return sum;
}

double share_of(double part, double whole) { return part == 0 ? 0 : std::sqrt(part / whole); }

}  // namespace

namespace {

/// Of a float's or double's bits: the order of magnitudes is that of their integers.
template <class T>
using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
template <class T>
Bits<T> magnitude_bits(T value) {
  return static_cast<Bits<T>>(std::bit_cast<Bits<T>>(value) << 1);
}

/// Whether none of a block's magnitudes is below the smallest normal number, or at the clamp or above: no branches, so
/// that it costs little more than reading.
template <class T>
bool is_ordinary(const T* values, Bits<T> normal, Bits<T> range) {
  Bits<T> outside = 0;
  for (std::size_t i = 0; i < count_block; ++i)
    outside |= static_cast<Bits<T>>(static_cast<Bits<T>>(magnitude_bits(values[i]) - normal) >= range);
  return outside == 0;
}

}  // namespace

template <class T>
void SlotCount::count(const T* values, std::size_t size) {
  const double normal = precision::min_normal(mechanism_.storage());
  const double clamp = mechanism_.clamp();
  // A carrier may be narrower than the format; its zeros are to be seen all the same.
  const Bits<T> low = std::max(magnitude_bits(static_cast<T>(normal)), magnitude_bits(std::bit_cast<T>(Bits<T>{1})));
  const Bits<T> range = static_cast<Bits<T>>(magnitude_bits(static_cast<T>(clamp)) - low);
  for (std::size_t first = 0; first < size; first += count_block) {
    const std::size_t last = std::min(size, first + count_block);
    if (last - first == count_block && is_ordinary(values + first, low, range)) continue;
    for (std::size_t i = first; i < last; ++i) {
      const double magnitude = std::fabs(static_cast<double>(values[i]));
      if (magnitude >= normal && magnitude < clamp) continue;
      if (std::isnan(magnitude) || magnitude == HUGE_VAL) continue;
      line_.zero += magnitude == 0;
      line_.subnormal += magnitude != 0 && magnitude < normal;
      candidates_.push_back(i);
    }
  }
}

SlotCount::SlotCount(compressor::Slot slot, const compressor::Tensor& found, SlotMechanism mechanism)
    : found_(found), mechanism_(std::move(mechanism)) {
  line_.slot = slot;
  line_.format = mechanism_.storage().name;
  line_.count = found.size();
  std::visit([this](const auto& values) { count(values.data(), values.size()); }, found.data);
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
