// SPDX-License-Identifier: Apache-2.0
// Windows with overlap, pads, masks and segments.
#include "reference/windows.hpp"

#include <xtensor/xbuilder.hpp>
#include <xtensor/xnoalias.hpp>
#include <xtensor/xoperation.hpp>

namespace ulpscope::reference {

using compressor::MaskPolicy;
using compressor::Name;
using compressor::Problem;
using compressor::SegmentPolicy;
using xt::all;
using xt::range;

SlotMap::SlotMap(const Problem& problem, const OracleOptions& options)
    : config_(problem.config),
      segments_(problem.has(Name::segment_ids) ? options.segments : SegmentPolicy::ignore),
      has_prior_(problem.has(Name::prior_kv)) {
  mask_ = xt::ones<double>({config_.batch, config_.seq});
  ids_ = xt::zeros<double>({config_.batch, config_.seq});
  if (options.mask == MaskPolicy::pad && problem.has(Name::attention_mask)) {
    mask_ = to_array<2>(problem.input(Name::attention_mask));
  }
  if (segments_ != SegmentPolicy::ignore) ids_ = to_array<2>(problem.input(Name::segment_ids));
  excluded_ = xt::zeros<bool>({config_.batch, config_.windows(), config_.window_slots()});
  for (std::size_t b = 0; b < config_.batch; ++b) {
    for (std::size_t i = 0; i < config_.windows(); ++i) {
      for (std::size_t r = 0; r < config_.window_slots(); ++r) excluded_(b, i, r) = !holds_token(b, i, r);
    }
  }
}

/// A window's segment: the id that all its tokens share, or -1.
double SlotMap::segment(std::size_t b, std::size_t window) const {
  const std::size_t first = window * config_.ratio;
  for (std::size_t j = 1; j < config_.ratio; ++j) {
    if (ids_(b, first + j) != ids_(b, first)) return -1;
  }
  return ids_(b, first);
}

/// previous_half: the "a" half of a window of another segment is excluded (two mixed windows are both -1: kept).
/// strict: every token whose segment is not that of the window's last token is.
/// The prior window has neither mask nor ids: it counts as tokens of the first window's document.
bool SlotMap::holds_token(std::size_t b, std::size_t i, std::size_t r) const {
  const std::size_t m = config_.ratio;
  const bool previous = config_.overlap && r < m;
  if (previous && i == 0) return has_prior_;
  const std::size_t token = (previous ? i - 1 : i) * m + r % m;
  if (mask_(b, token) == 0) return false;
  switch (segments_) {
    case SegmentPolicy::ignore:
      return true;
    case SegmentPolicy::previous_half:
      return !previous || segment(b, i - 1) == segment(b, i);
    case SegmentPolicy::strict:
      return ids_(b, token) == ids_(b, i * m + m - 1);
  }
  return true;
}

Windows SlotMap::cut(const Entries& tokens) const {
  const std::size_t whole = config_.windows() * config_.ratio;
  auto windows = Windows::from_shape({config_.batch, config_.windows(), config_.ratio, config_.features()});
  const Entries kept = xt::view(tokens, all(), range(std::size_t{0}, whole), all());
  std::copy(kept.begin(), kept.end(), windows.begin());
  return windows;
}

Entries SlotMap::join(const Windows& windows) const {
  const std::size_t whole = config_.windows() * config_.ratio;
  auto kept = Entries::from_shape({config_.batch, whole, config_.features()});
  std::copy(windows.begin(), windows.end(), kept.begin());
  Entries tokens = xt::zeros<double>({config_.batch, config_.seq, config_.features()});
  xt::view(tokens, all(), range(std::size_t{0}, whole), all()) = kept;
  return tokens;
}

Windows SlotMap::gather(const Windows& windows, const Entries& prior, double pad) const {
  const std::size_t n = config_.windows();
  const std::size_t m = config_.ratio;
  const std::size_t d = config_.head_dim;
  Windows slots = windows;
  if (config_.overlap) {
    slots = pad * xt::ones<double>({config_.batch, n, 2 * m, d});
    xt::view(slots, all(), all(), range(m, 2 * m), all()) = xt::view(windows, all(), all(), all(), range(d, 2 * d));
    for (std::size_t i = 0; i < n; ++i) {
      auto first_half = xt::view(slots, all(), i, range(std::size_t{0}, m), all());
      if (i > 0) first_half = xt::view(windows, all(), i - 1, all(), range(std::size_t{0}, d));
      if (i == 0 && has_prior_) first_half = xt::view(prior, all(), all(), range(std::size_t{0}, d));
    }
  }
  return xt::where(xt::view(excluded_, all(), all(), all(), xt::newaxis()), pad, slots);
}

Windows SlotMap::without_pads(const Windows& slots) const {
  return xt::where(xt::view(excluded_, all(), all(), all(), xt::newaxis()), 0.0, slots);
}

Windows SlotMap::scatter(const Windows& slots) const {
  const Windows kept = without_pads(slots);
  if (!config_.overlap) return kept;
  const std::size_t n = config_.windows();
  const std::size_t m = config_.ratio;
  const std::size_t d = config_.head_dim;
  Windows windows = xt::zeros<double>({config_.batch, n, m, 2 * d});
  xt::view(windows, all(), all(), all(), range(d, 2 * d)) = xt::view(kept, all(), all(), range(m, 2 * m), all());
  for (std::size_t i = 1; i < n; ++i) {
    xt::view(windows, all(), i - 1, all(), range(std::size_t{0}, d)) =
        xt::view(kept, all(), i, range(std::size_t{0}, m), all());
  }
  return windows;
}

Entries SlotMap::scatter_prior(const Windows& slots) const {
  const std::size_t d = config_.head_dim;
  Entries prior = xt::zeros<double>({config_.batch, config_.ratio, config_.features()});
  if (config_.overlap && config_.windows() > 0) {
    const Windows kept = without_pads(slots);
    xt::view(prior, all(), all(), range(std::size_t{0}, d)) =
        xt::view(kept, all(), 0, range(std::size_t{0}, config_.ratio), all());
  }
  return prior;
}

Matrix SlotMap::lay_out(const Matrix& bias) const {
  if (!config_.overlap) return bias;
  const std::size_t m = config_.ratio;
  const std::size_t d = config_.head_dim;
  auto rows = Matrix::from_shape({2 * m, d});
  xt::view(rows, range(std::size_t{0}, m), all()) = xt::view(bias, all(), range(std::size_t{0}, d));
  xt::view(rows, range(m, 2 * m), all()) = xt::view(bias, all(), range(d, 2 * d));
  return rows;
}

Matrix SlotMap::lay_back(const Matrix& rows) const {
  if (!config_.overlap) return rows;
  const std::size_t m = config_.ratio;
  const std::size_t d = config_.head_dim;
  auto bias = Matrix::from_shape({m, 2 * d});
  xt::view(bias, all(), range(std::size_t{0}, d)) = xt::view(rows, range(std::size_t{0}, m), all());
  xt::view(bias, all(), range(d, 2 * d)) = xt::view(rows, range(m, 2 * m), all());
  return bias;
}

}  // namespace ulpscope::reference
