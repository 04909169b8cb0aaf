// SPDX-License-Identifier: Apache-2.0
// The pass over a slot's elements is the whole cost of a slot that holds nothing to explain.
#include "core/judge/ledger_count.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <type_traits>

#include "core/judge/array_loops.hpp"

namespace ulpscope::judge {
namespace {

double square(double x) { return x * x; }

/// Subnormal numbers beyond this share of a slot are worth a pass over what its stage reads.
constexpr std::size_t many_share = 256;

/// Of a slot that holds zeros, this share often is 0: beyond, the list of them grows.
constexpr std::size_t likely_share = 4;

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

/// Of the finite ones.
double sum_of_squares(const compressor::Tensor& tensor) {
  std::array<double, square_lanes> lanes{};
  const auto add = [&lanes](const auto& values) {
    using T = std::remove_cvref_t<decltype(values[0])>;
    const ArrayLoops<T>& loops = array_loops<T>();
    const std::size_t whole = values.size() / square_lanes * square_lanes;
    loops.add_squares(values.data(), whole, lanes.data());
    std::array<T, square_lanes> rest{};
    std::copy(values.begin() + whole, values.end(), rest.begin());
    loops.add_squares(rest.data(), rest.size(), lanes.data());
  };
  std::visit(add, tensor.data);
  return std::accumulate(lanes.begin(), lanes.end(), 0.0);
}

double share_of(double part, double whole) { return part == 0 ? 0 : std::sqrt(part / whole); }

template <class T>
Bits<T> magnitude_bits(T value) {
  return std::bit_cast<Bits<T>>(value) & std::numeric_limits<Bits<T>>::max();
}

/// What is smaller than `below` is small. A carrier may be narrower than the format; its zeros are to be seen all the
/// same.
template <class T>
Ends<T> ends_of(const SlotMechanism& mechanism, double below) {
  return {std::max(magnitude_bits(static_cast<T>(below)), Bits<T>{1}),
          magnitude_bits(static_cast<T>(mechanism.clamp()))};
}

/// Calls of(block, first element) for one block after the other; the last is filled up with infinities, which nothing
/// counts.
template <class T, class F>
void for_each_block(std::span<const T> values, F of) {
  const std::size_t whole = values.size() / count_block * count_block;
  for (std::size_t first = 0; first < whole; first += count_block) of(values.data() + first, first);
  if (whole == values.size()) return;
  std::array<T, count_block> rest;
  rest.fill(std::numeric_limits<T>::infinity());
  std::copy(values.begin() + static_cast<std::ptrdiff_t>(whole), values.end(), rest.begin());
  of(rest.data(), whole);
}

}  // namespace

template <class T>
void SlotCount::count(std::span<const T> values) {
  const Ends<T> ends = ends_of<T>(mechanism_, precision::min_normal(mechanism_.storage()));
  const Ends<T> zeros = ends_of<T>(mechanism_, 0);
  const ArrayLoops<T>& loops = array_loops<T>();
  for_each_block(values, [&](const T* block, std::size_t first) {
    const BlockCount counts = loops.count(block, ends);
    line_.zero += counts.zero;
    line_.subnormal += counts.small - counts.zero;
    has_zeros_only_ = has_zeros_only_ && counts.clamped == 0;
    if (counts.zero + counts.clamped == 0) return;
    // Of what is never written, no page is ever made.
    if (candidates_.empty()) candidates_.reserve(values.size() / likely_share);
    add_candidates(block, first, zeros);
  });
}

/// Of a block of values, which begins at element `first`: small and clamped ones.
template <class T>
void SlotCount::add_candidates(const T* values, std::size_t first, const Ends<T>& ends) {
  std::array<std::uint8_t, count_block> flags;
  array_loops<T>().flag(values, ends, flags.data());
  // Eight flags at a time, the first of them in the lowest byte: most are 0.
  static_assert(std::endian::native == std::endian::little);
  for (std::size_t i = 0; i < count_block; i += sizeof(std::uint64_t)) {
    std::uint64_t some = 0;
    for (std::memcpy(&some, flags.data() + i, sizeof some); some != 0; some &= some - 1)
      candidates_.push_back(first + i + static_cast<std::size_t>(std::countr_zero(some)) / 8);
  }
}

bool SlotCount::has_many_subnormals() const {
  return mechanism_.asked_below() != 0 && line_.subnormal > found_.size() / many_share;
}

void SlotCount::ask_subnormals() {
  const double below = mechanism_.asked_below();
  if (line_.subnormal == 0 || below == 0) return;
  candidates_.clear();
  has_zeros_only_ = false;
  const auto ask = [&](const auto& values) {
    using T = std::remove_cvref_t<decltype(values[0])>;
    const Ends<T> ends = ends_of<T>(mechanism_, below);
    for_each_block(std::span(values.data(), values.size()), [&](const T* block, std::size_t first) {
      if (!array_loops<T>().count(block, ends).is_ordinary()) add_candidates(block, first, ends);
    });
  };
  std::visit(ask, found_.data);
}

SlotCount::SlotCount(compressor::Slot slot, const compressor::Tensor& found, SlotMechanism mechanism)
    : found_(found), values_(found), mechanism_(std::move(mechanism)) {
  line_.slot = slot;
  line_.format = mechanism_.storage().name;
  line_.count = found.size();
  std::visit([this](const auto& values) { count(std::span(values.data(), values.size())); }, found.data);
}

void SlotCount::add_truth(LedgerLine& line, const compressor::Tensor& truth) const {
  if (line.zero == 0 || truth.size() != found_.size()) return;
  const Values exact(truth);
  double lost = 0;
  for (const std::size_t i : candidates_) {
    if ((!has_zeros_only_ && values_[i] != 0) || exact[i] == 0 || std::isnan(exact[i])) continue;
    ++line.underflowed;
    if (std::isfinite(exact[i])) lost += square(exact[i]);
  }
  line.lost = lost == 0 ? 0 : share_of(lost, sum_of_squares(truth));
}

SlotCount::Verdict SlotCount::verdict(double found, double exact) const {
  if (found != 0) {
    if (mechanism_.is_clamped(found, exact)) return {Mechanism::saturation, Effect::clamped};
    if (!(std::fabs(found) < mechanism_.normal())) return {};
    return {mechanism_.of_subnormal(exact), Effect::subnormal};
  }
  return verdict_of_zero(exact);
}

inline SlotCount::Verdict SlotCount::verdict_of_zero(double exact) const {
  if (exact == 0 || !std::isfinite(exact)) return {};
  const SlotMechanism::Zero& zero = mechanism_.of_zero(exact);
  return {zero.how, Effect::zero, !zero.by_formats};
}

/// Rounding is monotone: what is true of both ends, on one side of 0, is true between them.
bool SlotCount::is_settled(std::size_t candidate, double low, double high) const {
  if (!(low > 0 || high < 0) || !std::isfinite(low) || !std::isfinite(high)) return false;
  const double found = has_zeros_only_ ? 0 : values_[candidates_[candidate]];
  if (found == 0) return mechanism_.zero_step(low) == mechanism_.zero_step(high);
  return verdict(found, low) == verdict(found, high);
}

void SlotCount::add_causes(LedgerLine& line, const std::vector<double>& exact, const WindowGrid* pads) {
  line.became_zero = 0;
  Causes causes;
  std::uint64_t asked = 0;  // subnormal numbers
  double lost = 0;
  for (std::size_t k = 0; k < candidates_.size(); ++k) {
    const std::size_t i = candidates_[k];
    const Verdict of = has_zeros_only_ ? verdict_of_zero(exact[k]) : verdict(values_[i], exact[k]);
    asked += of.effect == Effect::subnormal;
    if (!of.how) continue;
    ++causes.of(*of.how, of.effect);
    line.saturated += of.effect == Effect::clamped;
    if (of.effect != Effect::zero) continue;
    ++*line.became_zero;
    line.at_pads += pads != nullptr && pads->is_padded(i);
    lost += square(exact[k]);
    line.flushed += *of.how == Mechanism::flush;
    if (of.is_doubtful) doubtful_.push_back({i, *of.how});
  }
  if (const auto how = mechanism_.of_subnormal(HUGE_VAL)) causes.of(*how, Effect::subnormal) += line.subnormal - asked;
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
