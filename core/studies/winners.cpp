// SPDX-License-Identifier: Apache-2.0
// Winners of rows of logits.
#include "core/studies/winners.hpp"

#include <algorithm>
#include <cmath>

namespace ulpscope::studies {
namespace {

using compressor::Tensor;

/// The logits of one window and channel.
struct Row {
  const Tensor& logits;
  std::size_t first;
  std::size_t stride;
  std::size_t count;

  double at(std::size_t r) const { return logits.at(first + r * stride); }
  std::size_t winner() const {
    std::size_t best = 0;
    for (std::size_t r = 1; r < count; ++r) best = at(r) > at(best) ? r : best;
    return best;
  }
  bool has_nan() const {
    bool found = false;
    for (std::size_t r = 0; r < count; ++r) found = found || std::isnan(at(r));
    return found;
  }
  std::size_t attaining(double value) const {
    std::size_t found = 0;
    for (std::size_t r = 0; r < count; ++r) found += at(r) == value ? 1 : 0;
    return found;
  }
};

void add(Winners& winners, const Row& run, const Row& truth) {
  const std::size_t winner = run.winner();
  const std::size_t due = truth.winner();
  ++winners.rows;
  winners.tied += run.attaining(run.at(winner)) > 1 ? 1 : 0;
  if (run.at(due) == run.at(winner)) return;  // a tie is no flip
  ++winners.flipped;
  winners.margin = std::max(winners.margin, truth.at(due) - truth.at(winner));
}

}  // namespace

Winners winners_of(const Tensor& run, const Tensor& truth) {
  const std::size_t count = run.shape[2];
  const std::size_t channels = run.shape[3];
  Winners winners;
  for (std::size_t window = 0; window < run.shape[0] * run.shape[1]; ++window) {
    for (std::size_t c = 0; c < channels; ++c) {
      const std::size_t first = window * count * channels + c;
      const Row due{truth, first, channels, count};
      if (due.has_nan()) continue;
      add(winners, Row{run, first, channels, count}, due);
    }
  }
  return winners;
}

}  // namespace ulpscope::studies
