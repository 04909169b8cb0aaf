// SPDX-License-Identifier: Apache-2.0
// Bugs in what a port computes forward.
#include <algorithm>
#include <cmath>
#include <limits>

#include "core/judge/mutant_plants.hpp"

namespace ulpscope::judge::plants {
namespace {

using compressor::Config;
using compressor::forward;
using compressor::Name;
using Doubles = std::vector<double>;

/// The channels [first, first + 2 pairs) of each entry, and its angles.
struct Rotation {
  std::size_t pairs;
  std::size_t first;
  std::size_t channels;
  std::size_t windows;

  explicit Rotation(const Config& config)
      : pairs(config.rope->dim / 2),
        first(config.head_dim - 2 * pairs),
        channels(config.head_dim),
        windows(config.windows()) {}
  std::size_t angle(std::size_t entry, std::size_t pair) const { return entry % windows * pairs + pair; }
};

Name before_rotation(const Config& config) { return config.norm ? Name::normed : Name::pooled; }

void scale(Planted& planted, compressor::Slot slot, double factor) {
  change(planted, slot, [factor](Doubles& values, const Seen&) {
    for (double& value : values) value *= factor;
  });
}

}  // namespace

void halves_swapped(Planted& planted) {
  const Config& config = planted.problem.config;
  const auto half = static_cast<std::ptrdiff_t>(config.ratio * config.head_dim);
  change(planted, forward(Name::values), [half](Doubles& values, const Seen&) {
    for (auto window = values.begin(); window != values.end(); window += 2 * half)
      std::swap_ranges(window, window + half, window + half);
  });
}

void overlap_missing(Planted& planted) {
  const Config& config = planted.problem.config;
  const auto half = static_cast<std::ptrdiff_t>(config.ratio * config.head_dim);
  change(planted, forward(Name::logits), [half](Doubles& values, const Seen&) {
    for (auto window = values.begin(); window != values.end(); window += 2 * half)
      std::fill(window, window + half, -std::numeric_limits<double>::infinity());
  });
}

void gate_ignored(Planted& planted) {
  const double weight = 1 / static_cast<double>(planted.problem.config.window_slots());
  change(planted, forward(Name::weights),
         [weight](Doubles& values, const Seen&) { std::fill(values.begin(), values.end(), weight); });
}

void channel_unwritten(Planted& planted) {
  const std::size_t channels = planted.problem.config.head_dim;
  change(planted, forward(Name::pooled), [channels](Doubles& values, const Seen&) {
    for (std::size_t i = channels - 1; i < values.size(); i += channels) values[i] = 0;
  });
}

void bit_flipped(Planted& planted) {
  change(planted, forward(Name::pooled), [](Doubles& values, const Seen&) {
    if (values.empty()) return;
    double& value = values[values.size() / 2];
    if (value == 0 || !std::isfinite(value)) return;
    const double bit = std::ldexp(1., std::ilogb(value) - 3);
    const bool is_set = std::fmod(std::fabs(value), 2 * bit) >= bit;
    value += std::copysign(is_set ? -bit : bit, value);
  });
}

void stale_entry(Planted& planted) {
  const Config& config = planted.problem.config;
  const auto channels = static_cast<std::ptrdiff_t>(config.head_dim);
  const auto row = static_cast<std::ptrdiff_t>(config.windows()) * channels;
  change(planted, forward(Name::pooled), [channels, row](Doubles& values, const Seen&) {
    for (auto end = values.begin() + row;; end += row) {
      std::copy(end - 2 * channels, end - channels, end - channels);
      if (end == values.end()) break;
    }
  });
}

void sum_of_squares(Planted& planted) {
  scale(planted, forward(Name::mean_square), static_cast<double>(planted.problem.config.head_dim));
}

void rope_at_index(Planted& planted) {
  scale(planted, forward(Name::rope_frequencies), 1 / static_cast<double>(planted.problem.config.ratio));
}

void rope_scaled(Planted& planted) {
  const double amplitude = .1 * std::log(planted.problem.config.rope->yarn->factor) + 1;
  scale(planted, forward(Name::rope_cos), amplitude);
  scale(planted, forward(Name::rope_sin), amplitude);
}

void rope_backwards(Planted& planted) { scale(planted, forward(Name::rope_sin), -1); }

void rope_half_split(Planted& planted) {
  const Rotation rotation(planted.problem.config);
  const auto before = forward(before_rotation(planted.problem.config));
  const auto cos = forward(Name::rope_cos);
  const auto sin = forward(Name::rope_sin);
  const auto rotate = [rotation, before, cos, sin](Doubles& values, const Seen& seen) {
    const Doubles& x = seen.at(before);
    for (std::size_t entry = 0; entry < values.size() / rotation.channels; ++entry) {
      for (std::size_t k = 0; k < rotation.pairs; ++k) {
        const std::size_t a = entry * rotation.channels + rotation.first + k;
        const std::size_t b = a + rotation.pairs;
        const double c = seen.at(cos)[rotation.angle(entry, k)];
        const double s = seen.at(sin)[rotation.angle(entry, k)];
        values[a] = x[a] * c - x[b] * s;
        values[b] = x[b] * c + x[a] * s;
      }
    }
  };
  change(planted, forward(Name::rotated), rotate, {before, cos, sin});
}

void rope_missing(Planted& planted) {
  const auto before = forward(before_rotation(planted.problem.config));
  change(planted, forward(Name::rotated), [before](Doubles& values, const Seen& seen) { values = seen.at(before); },
         {before});
}

}  // namespace ulpscope::judge::plants
