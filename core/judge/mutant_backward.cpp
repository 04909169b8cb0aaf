// SPDX-License-Identifier: Apache-2.0
// Bugs in what a port computes backward.
#include <algorithm>
#include <cmath>

#include "core/judge/mutant_plants.hpp"

namespace ulpscope::judge::plants {
namespace {

using compressor::Config;
using compressor::forward;
using compressor::gradient;
using compressor::Name;
using Doubles = std::vector<double>;

}  // namespace

void loss_scale_left(Planted& planted) {
  change(planted, gradient(Name::output), [](Doubles& values, const Seen&) {
    for (double& value : values) value *= 1024;
  });
}

void rope_gradient_not_inverse(Planted& planted) {
  const Config& config = planted.problem.config;
  const auto from = gradient(Name::rotated);
  const auto cos = forward(Name::rope_cos);
  const auto sin = forward(Name::rope_sin);
  const auto rotate = [=, channels = config.head_dim, pairs = config.rope->dim / 2, windows = config.windows()](
                          Doubles& values, const Seen& seen) {
    const Doubles& g = seen.at(from);
    for (std::size_t entry = 0; entry < values.size() / channels; ++entry) {
      for (std::size_t k = 0; k < pairs; ++k) {
        const std::size_t a = (entry + 1) * channels - 2 * (pairs - k);
        const double c = seen.at(cos)[entry % windows * pairs + k];
        const double s = seen.at(sin)[entry % windows * pairs + k];
        values[a] = g[a] * c - g[a + 1] * s;
        values[a + 1] = g[a + 1] * c + g[a] * s;
      }
    }
  };
  change(planted, gradient(config.norm ? Name::normed : Name::pooled), rotate, {from, cos, sin});
}

void norm_gradient_straight(Planted& planted) {
  const Config& config = planted.problem.config;
  const auto from = gradient(Name::normalized);
  const auto mean_square = forward(Name::mean_square);
  const auto divide = [=, channels = config.head_dim, eps = config.eps](Doubles& values, const Seen& seen) {
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = seen.at(from)[i] / std::sqrt(seen.at(mean_square)[i / channels] + eps);
  };
  change(planted, gradient(Name::pooled), divide, {from, mean_square});
}

void weights_constant(Planted& planted) {
  change(planted, gradient(Name::logits),
         [](Doubles& values, const Seen&) { std::fill(values.begin(), values.end(), 0.); });
}

void shift_term_missing(Planted& planted) {
  const auto weights = forward(Name::weights);
  const auto from = gradient(Name::weights);
  const auto multiply = [=](Doubles& values, const Seen& seen) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = seen.at(weights)[i] * seen.at(from)[i];
  };
  change(planted, gradient(Name::logits), multiply, {weights, from});
}

void ape_gradient_mean(Planted& planted) {
  const double windows = static_cast<double>(planted.problem.config.batch * planted.problem.config.windows());
  change(planted, gradient(Name::ape), [windows](Doubles& values, const Seen&) {
    for (double& value : values) value /= windows;
  });
}

void overlap_gradient_lost(Planted& planted) {
  const std::size_t half = planted.problem.config.head_dim;
  for (const Name name : {Name::kv, Name::gate}) {
    change(planted, gradient(name), [half](Doubles& values, const Seen&) {
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = i / half % 2 == 0 ? 0 : values[i];
    });
  }
}

void hidden_gradient_of_kv(Planted& planted) {
  const auto branch = gradient(Name::hidden_kv);
  change(planted, gradient(Name::hidden), [branch](Doubles& values, const Seen& seen) { values = seen.at(branch); },
         {branch});
}

}  // namespace ulpscope::judge::plants
