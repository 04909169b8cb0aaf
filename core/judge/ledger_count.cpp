// SPDX-License-Identifier: Apache-2.0
// The pass over a slot's elements is the whole cost of a slot that holds nothing to explain.
#include "core/judge/ledger_count.hpp"

#include <algorithm>
#include <cmath>

namespace ulpscope::judge {
namespace {

double square(double x) { return x * x; }

/// One more of a cause; at most a handful stand in a line.
void add_cause(LedgerLine& line, Mechanism mechanism, Effect effect, std::int64_t count) {
  const auto found = std::find_if(line.causes.begin(), line.causes.end(), [&](const Cause& cause) {
    return cause.mechanism == mechanism && cause.effect == effect;
  });
  if (found == line.causes.end()) {
    line.causes.push_back({mechanism, effect, static_cast<std::uint64_t>(count)});
    return;
  }
  found->count += static_cast<std::uint64_t>(count);
  if (found->count == 0) line.causes.erase(found);
}

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

SlotCount::SlotCount(compressor::Slot slot, const compressor::Tensor& found, SlotMechanism mechanism)
    : found_(found), mechanism_(std::move(mechanism)) {
  line_.slot = slot;
  line_.format = mechanism_.storage().name;
  line_.count = found.size();
  std::visit([this](const auto& values) { count(values.data(), values.size()); }, found.data);
}

template <class T>
void SlotCount::count(const T* values, std::size_t size) {
  const double normal = precision::min_normal(mechanism_.storage());
  const double clamp = mechanism_.clamp();
  for (std::size_t i = 0; i < size; ++i) {
    const double magnitude = std::fabs(static_cast<double>(values[i]));
    if (magnitude >= normal && magnitude < clamp) continue;
    if (std::isnan(magnitude) || magnitude == HUGE_VAL) continue;
    line_.zero += magnitude == 0;
    line_.subnormal += magnitude != 0 && magnitude < normal;
    candidates_.push_back(i);
  }
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
  line.became_zero = 0;
  double lost = 0;
  for (std::size_t k = 0; k < candidates_.size(); ++k) {
    const std::size_t i = candidates_[k];
    if (found[i] != 0) {
      if (mechanism_.is_clamped(found[i], exact[k])) {
        ++line.saturated;
        add_cause(line, Mechanism::saturation, Effect::clamped, 1);
      } else if (std::fabs(found[i]) < precision::min_normal(mechanism_.storage())) {
        if (const auto how = mechanism_.of_subnormal(exact[k])) add_cause(line, *how, Effect::subnormal, 1);
      }
      continue;
    }
    if (exact[k] == 0 || !std::isfinite(exact[k])) continue;
    ++*line.became_zero;
    line.at_pads += pads != nullptr && pads->is_padded(i);
    lost += square(exact[k]);
    const Mechanism how = mechanism_.of_zero(exact[k]);
    line.flushed += how == Mechanism::flush;
    add_cause(line, how, Effect::zero, 1);
    if (!mechanism_.formats_give_zero(exact[k])) doubtful_.push_back({i, how});
  }
  line.lost_here = lost == 0 ? 0 : share_of(lost, lost + sum_of_squares(found_));
}

void SlotCount::add_unexplained(LedgerLine& line, const Replayed& replayed) const {
  for (const Doubt& doubt : doubtful_) {
    if (replayed.low[doubt.element] <= 0 && replayed.high[doubt.element] >= 0) continue;
    add_cause(line, doubt.mechanism, Effect::zero, -1);
    add_cause(line, Mechanism::unexplained, Effect::zero, 1);
  }
}

}  // namespace ulpscope::judge
