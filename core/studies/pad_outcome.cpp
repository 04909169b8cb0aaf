// SPDX-License-Identifier: Apache-2.0
// Classes and masses of windows with pads.
#include "core/studies/pad_outcome.hpp"

#include <algorithm>
#include <cmath>

#include "core/studies/windows.hpp"

namespace ulpscope::studies {
namespace {

using compressor::Name;
using compressor::Slot;

const std::string not_a_number = "NaN";
const std::string infinite = "Inf";

/// What a set of values holds that is no number.
struct Finiteness {
  bool nan = false;
  bool inf = false;
  void see(double x) {
    nan = nan || std::isnan(x);
    inf = inf || std::isinf(x);
  }
};

}  // namespace

PaddedRun::PaddedRun(const compressor::Tape& tape, const compressor::Config& config,
                     const std::vector<std::uint8_t>& padded)
    : tape_(tape), slots_(config.window_slots()), channels_(config.head_dim), padded_(padded) {
  for (std::size_t window = 0; window < padded.size() / slots_; ++window) {
    const auto first = padded.begin() + static_cast<std::ptrdiff_t>(window * slots_);
    if (std::find(first, first + static_cast<std::ptrdiff_t>(slots_), 1) == first + static_cast<std::ptrdiff_t>(slots_))
      continue;
    for (std::size_t channel = 0; channel < channels_; ++channel) rows_.push_back({window, channel});
  }
}

double PaddedRun::at(Slot slot, const Row& row, std::size_t r) const {
  return tensor_in(tape_, slot).at((row.window * slots_ + r) * channels_ + row.channel);
}

double PaddedRun::mass_of(const Row& row) const {
  double mass = 0;
  for (std::size_t r = 0; r < slots_; ++r) mass += is_pad(row, r) ? at(forward(Name::weights), row, r) : 0;
  return mass;
}

std::string PaddedRun::row_class(const Row& row) const {
  const double pooled = tensor_in(tape_, forward(Name::pooled)).at(row.window * channels_ + row.channel);
  Finiteness seen;
  seen.see(pooled);
  std::size_t tokens = 0;
  double heaviest = 0;
  double lightest = 1;
  double in_denominator = 0;
  for (std::size_t r = 0; r < slots_; ++r) {
    const double weight = at(forward(Name::weights), row, r);
    seen.see(weight);
    heaviest = std::max(heaviest, weight);
    lightest = std::min(lightest, weight);
    tokens += is_pad(row, r) ? 0U : 1U;
    if (is_pad(row, r) && weight == 0) in_denominator += at(forward(Name::softmax), row, r);
  }
  if (seen.nan) return not_a_number;
  if (seen.inf) return infinite;
  if (heaviest == 0) return "all 0";
  if (tokens == 0) return heaviest == lightest ? "uniform" : "weighs pads";
  if (mass_of(row) > 0) return "leak";
  const double rounding = precision::unit_roundoff(tape_.find(forward(Name::weights))->format);
  return in_denominator > rounding ? "sum < 1" : "pad 0";
}

std::string PaddedRun::gradient_row_class(const Row& row) const {
  Finiteness seen;
  bool pads = false;
  bool tokens = false;
  for (std::size_t r = 0; r < slots_; ++r) {
    const double of_logit = at(gradient(Name::logits), row, r);
    const double of_value = is_pad(row, r) ? 0 : at(gradient(Name::values), row, r);
    seen.see(of_logit);
    seen.see(of_value);
    (is_pad(row, r) ? pads : tokens) |= of_logit != 0 || of_value != 0;
  }
  if (seen.nan) return not_a_number;
  if (seen.inf) return infinite;
  if (pads) return "pads move";
  return tokens ? "finite" : "0";
}

template <class Classify>
std::string PaddedRun::worst(const std::vector<std::string>& order, Classify classify) const {
  std::size_t found = order.size() - 1;
  for (const Row& row : rows_) {
    const auto place = std::find(order.begin(), order.end(), classify(row)) - order.begin();
    found = std::min(found, static_cast<std::size_t>(place));
  }
  return order[found];
}

std::string PaddedRun::forward_class() const {
  return worst({not_a_number, infinite, "all 0", "leak", "sum < 1", "uniform", "weighs pads", "pad 0"},
               [this](const Row& row) { return row_class(row); });
}

std::string PaddedRun::gradient_class() const {
  return worst({not_a_number, infinite, "pads move", "finite", "0"},
               [this](const Row& row) { return gradient_row_class(row); });
}

double PaddedRun::pad_mass() const {
  double beside = 0;
  double alone = 0;
  bool any_beside = false;
  for (const Row& row : rows_) {
    bool tokens = false;
    for (std::size_t r = 0; r < slots_; ++r) tokens = tokens || !is_pad(row, r);
    any_beside = any_beside || tokens;
    double& largest = tokens ? beside : alone;
    const double mass = mass_of(row);
    if (!(mass <= largest)) largest = mass;
  }
  return any_beside ? beside : alone;
}

double PaddedRun::distance(const PaddedRun& other, Slot slot) const {
  const bool entry = slot.name == Name::pooled;
  double squares = 0;
  std::size_t count = 0;
  for (const Row& row : rows_) {
    const auto difference = [&](std::size_t r) {
      if (!entry) return at(slot, row, r) - other.at(slot, row, r);
      const std::size_t flat = row.window * channels_ + row.channel;
      return tensor_in(tape_, slot).at(flat) - tensor_in(other.tape_, slot).at(flat);
    };
    for (std::size_t r = 0; r < (entry ? 1 : slots_); ++r) {
      squares += std::pow(difference(r), 2);
      ++count;
    }
  }
  return count == 0 ? 0 : std::sqrt(squares / static_cast<double>(count));
}

}  // namespace ulpscope::studies
