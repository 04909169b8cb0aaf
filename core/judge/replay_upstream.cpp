// SPDX-License-Identifier: Apache-2.0
// Sums on the way to a slot: what becomes of it where they fall elsewhere in their intervals.
#include <algorithm>
#include <cmath>

#include "core/compressor/run.hpp"
#include "core/judge/replay.hpp"

namespace ulpscope::judge {

using compressor::Slot;
using compressor::Tape;
using compressor::Tensor;
using Doubles = std::vector<double>;

std::vector<Slot> Replayer::sums_on_the_way(Slot slot) const {
  std::array<bool, compressor::slot_count> known{};
  for (const auto& [given, record] : given_.records()) known[given.index()] = true;
  known[slot.index()] = false;
  std::vector<Slot> sums;
  for (const Slot on_the_way : graph_.need({slot}, known).compute) {
    if (on_the_way != slot && terms_of(on_the_way) != 0) sums.push_back(on_the_way);
  }
  return sums;
}

/// Which end of [low, high] each element of a sum is set to.
enum class Replayer::Pattern : std::uint8_t { low, high, toward_zero, away_from_zero };

Doubles Replayer::at_pattern(const Sum& sum, Pattern pattern) {
  Doubles out = pattern == Pattern::low ? sum.low : sum.high;
  if (pattern == Pattern::low || pattern == Pattern::high) return out;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const bool low_is_larger = std::fabs(sum.low[i]) > std::fabs(sum.high[i]);
    out[i] = (pattern == Pattern::away_from_zero) == low_is_larger ? sum.low[i] : sum.high[i];
  }
  return out;
}

Tensor Replayer::moved(Slot slot, Slot source, Tensor values) const {
  Tape pinned = given_;
  pinned.set(source, std::move(values), plan_.at(source).storage);
  compressor::RunOptions options;
  options.threads = threads_;
  return compressor::run_from(problem_, recipe_, {pinned, {slot}}, options).tape.find(slot)->tensor;
}

namespace {

/// Deviations of more than this are not of first order.
constexpr double widest_growth = 1. / 64;

}  // namespace

void Replayer::add_upstream(Slot slot, Replayed& replayed) const {
  const Doubles base = compressor::to_doubles(replayed.value);
  for (const Slot source : sums_on_the_way(slot)) {
    replayed.decisive = replayed.decisive && growth_of(source) <= widest_growth;
    const Sum sum = own_freedom(source, value(source));
    Doubles below(base.size());
    Doubles above(base.size());
    for (const Pattern pattern : {Pattern::low, Pattern::high, Pattern::toward_zero, Pattern::away_from_zero}) {
      const Tensor there = moved(slot, source, {sum.value.shape, at_pattern(sum, pattern), io::DType::f64});
      for (std::size_t i = 0; i < base.size(); ++i) {
        const double deviation = there.at(i) - base[i];
        below[i] = std::min(below[i], deviation);  // a NaN deviation changes nothing
        above[i] = std::max(above[i], deviation);
      }
    }
    for (std::size_t i = 0; i < base.size(); ++i) {
      replayed.low[i] += below[i];
      replayed.high[i] += above[i];
      replayed.freedom[i] += std::max(above[i], -below[i]);
    }
  }
}

}  // namespace ulpscope::judge
