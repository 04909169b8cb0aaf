// SPDX-License-Identifier: Apache-2.0
// One walk over windows for each account; sums are in double, in the order of the slots.
#include "core/judge/ledger_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ulpscope::judge {
namespace {

using compressor::Tensor;
using Sums = std::vector<double>;

/// Adds a window's rows, channel by channel.
void add_rows(Sums& sums, const Values& values, const WindowGrid& grid, std::size_t window) {
  std::fill(sums.begin(), sums.end(), 0.0);
  for (std::size_t r = 0; r < grid.rows(); ++r) {
    const std::size_t first = grid.at(window, r);
    for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += values[first + c];
  }
}

/// The same where the weight is 0: what the exact weights hold there.
void add_zeroed(Sums& sums, const Values& weights, const Values& exact, std::size_t first) {
  for (std::size_t c = 0; c < sums.size(); ++c) {
    if (weights[first + c] == 0) sums[c] += exact[first + c];
  }
}

class Mass {
 public:
  Mass(const WeightRows& rows, const WindowGrid& grid) : rows_(rows), grid_(grid), weights_(rows.weights) {}

  std::optional<MassAccount> account() {
    for (std::size_t window = 0; window < grid_.windows(); ++window) {
      if (grid_.has_tokens(window)) take(window);
    }
    if (count_ == 0) return std::nullopt;
    account_.rms = std::sqrt(squares_ / static_cast<double>(count_));
    account_.at = grid_.spot(account_.at.window, account_.at.channel);
    account_.flushed_at = grid_.spot(account_.flushed_at.window, account_.flushed_at.channel);
    account_.before_cast = before_cast();
    return account_;
  }

 private:
  void take(std::size_t window) {
    Sums sums(grid_.channels());
    add_rows(sums, weights_, grid_, window);
    for (std::size_t c = 0; c < sums.size(); ++c) {
      const double lost = 1 - sums[c];
      if (!std::isfinite(lost)) continue;
      squares_ += lost * lost;
      if (count_++ == 0 || std::fabs(lost) > std::fabs(account_.lost)) {
        account_.lost = lost;
        account_.at = {window, c, ""};
      }
    }
    if (rows_.exact != nullptr) take_flushed(window);
  }

  void take_flushed(std::size_t window) {
    const Values exact(*rows_.exact);
    Sums sums(grid_.channels());
    for (std::size_t r = 0; r < grid_.rows(); ++r) add_zeroed(sums, weights_, exact, grid_.at(window, r));
    for (std::size_t c = 0; c < sums.size(); ++c) {
      if (!(sums[c] > account_.flushed)) continue;
      account_.flushed = sums[c];
      account_.flushed_at = {window, c, ""};
    }
  }

  double before_cast() const {
    if (rows_.softmax == nullptr) return std::nan("");
    const Values softmax(*rows_.softmax);
    double sum = 0;
    for (std::size_t r = 0; r < grid_.rows(); ++r)
      sum += softmax[grid_.at(account_.at.window, r) + account_.at.channel];
    return 1 - sum;
  }

  const WeightRows& rows_;
  const WindowGrid& grid_;
  Values weights_;
  MassAccount account_;
  double squares_ = 0;
  std::uint64_t count_ = 0;
};

class Pads {
 public:
  Pads(const Tensor& weights, const Tensor& logits, const WindowGrid& grid)
      : weights_(weights), logits_(logits), grid_(grid) {
    account_.gap = HUGE_VAL;
  }

  std::optional<PadAccount> account(double needed) {
    for (std::size_t window = 0; window < grid_.windows(); ++window) {
      const std::size_t pads = grid_.pads_of(window);
      if (pads != 0 && pads != grid_.rows()) take(window);
    }
    if (!found_) return std::nullopt;
    account_.needed = needed;
    account_.slots = grid_.pads_text(account_.at.window);
    account_.at = grid_.spot(account_.at.window, account_.at.channel);
    account_.nearest = grid_.spot(account_.nearest.window, account_.nearest.channel);
    return account_;
  }

 private:
  void take(std::size_t window) {
    for (std::size_t c = 0; c < grid_.channels(); ++c) {
      double mass = 0;
      double pad = -HUGE_VAL;
      double largest = -HUGE_VAL;
      for (std::size_t r = 0; r < grid_.rows(); ++r) {
        const std::size_t at = grid_.at(window, r) + c;
        const bool padded = grid_.is_padded(window, r);
        if (padded) mass += weights_[at];
        double& bound = padded ? pad : largest;
        bound = std::max(bound, logits_[at]);
      }
      keep(window, c, mass);
      const double gap = pad == -HUGE_VAL ? HUGE_VAL : largest - pad;
      if (std::isnan(gap) || (!(gap < account_.gap) && account_.gap != HUGE_VAL)) continue;
      account_.gap = gap;
      account_.pad = pad;
      account_.nearest = {window, c, ""};
    }
  }
  void keep(std::size_t window, std::size_t channel, double mass) {
    if (std::isnan(mass)) return;
    if (found_ && !(mass > account_.mass)) return;
    found_ = true;
    account_.mass = mass;
    account_.at = {window, channel, ""};
  }

  Values weights_;
  Values logits_;
  const WindowGrid& grid_;
  PadAccount account_;
  bool found_ = false;
};

double square(double x) { return x * x; }

}  // namespace

Values::Values(const Tensor& tensor) {
  if (const auto* floats = std::get_if<io::Buffer<float>>(&tensor.data)) {
    floats_ = floats->data();
  } else {
    doubles_ = std::get<io::Buffer<double>>(tensor.data).data();
  }
}

WindowGrid::WindowGrid(const compressor::Config& config, std::vector<std::uint8_t> padded)
    : windows_(config.batch * config.windows()),
      windows_per_batch_(config.windows()),
      rows_(config.window_slots()),
      channels_(config.head_dim),
      padded_(std::move(padded)) {}

std::size_t WindowGrid::pads_of(std::size_t window) const {
  const auto first = padded_.begin() + static_cast<std::ptrdiff_t>(window * rows_);
  return static_cast<std::size_t>(std::count(first, first + static_cast<std::ptrdiff_t>(rows_), 1));
}

Spot WindowGrid::spot(std::size_t window, std::size_t channel) const {
  std::string place = fmt::format("window {}", window % windows_per_batch_);
  if (windows_ > windows_per_batch_) place += fmt::format(" of batch row {}", window / windows_per_batch_);
  return {window, channel, place + fmt::format(", channel {}", channel)};
}

std::string WindowGrid::pads_text(std::size_t window) const {
  std::string text;
  for (std::size_t r = 0; r < rows_; ++r) {
    if (!is_padded(window, r)) continue;
    std::size_t last = r;
    while (last + 1 < rows_ && is_padded(window, last + 1)) ++last;
    text += (text.empty() ? "" : ", ") + (last == r ? fmt::format("{}", r) : fmt::format("{}..{}", r, last));
    r = last;
  }
  return text;
}

std::optional<MassAccount> mass_account(const WeightRows& rows, const WindowGrid& grid) {
  return Mass(rows, grid).account();
}

std::optional<PadAccount> pad_account(const Tensor& weights, const Tensor& logits, const WindowGrid& grid,
                                      double needed) {
  return Pads(weights, logits, grid).account(needed);
}

std::optional<ExpAccount> exp_account(const ExpRows& rows, const WindowGrid& grid, const ExpPoints& points) {
  const Values arguments(rows.arguments);
  double lowest = HUGE_VAL;
  Spot at;
  for (std::size_t window = 0; window < grid.windows(); ++window) {
    for (std::size_t r = 0; r < grid.rows(); ++r) {
      if (grid.is_padded(window, r)) continue;
      const std::size_t first = grid.at(window, r);
      for (std::size_t c = 0; c < grid.channels(); ++c) {
        double argument = arguments[first + c];
        if (rows.maximum != nullptr) argument -= rows.maximum->at(window * grid.channels() + c);
        if (!(argument < lowest) || argument == -HUGE_VAL) continue;
        lowest = argument;
        at = {window, c, ""};
      }
    }
  }
  if (lowest == HUGE_VAL) return std::nullopt;
  return ExpAccount{lowest, points.zero_below, points.subnormal_below, grid.spot(at.window, at.channel)};
}

PooledAccount pooled_account(const PooledRows& rows, const WindowGrid& grid) {
  const Values weights(rows.weights);
  const Values exact(rows.exact);
  const Values values(rows.values);
  double lost = 0;
  double explained = 0;
  double error = 0;
  double truth = 0;
  for (std::size_t window = 0; window < grid.windows(); ++window) {
    for (std::size_t c = 0; c < grid.channels(); ++c) {
      const double have = rows.pooled.at(window * grid.channels() + c);
      const double want = rows.truth.at(window * grid.channels() + c);
      double missing = 0;
      for (std::size_t r = 0; r < grid.rows(); ++r) {
        const std::size_t at = grid.at(window, r) + c;
        if (weights[at] == 0 && exact[at] != 0) missing += exact[at] * values[at];
      }
      if (!std::isfinite(have) || !std::isfinite(want) || !std::isfinite(missing)) continue;
      lost += square(missing);
      explained += missing * (want - have);
      error += square(want - have);
      truth += square(want);
    }
  }
  PooledAccount account;
  account.rms_rel = lost == 0 ? 0 : std::sqrt(lost / truth);
  if (error != 0) account.share = explained / error;
  return account;
}

LogitAccount logit_account(const Tensor& logits, const Tensor& truth, const WindowGrid& grid) {
  const Values found(logits);
  const Values exact(truth);
  LogitAccount account;
  double squares = 0;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double error = std::fabs(found[i] - exact[i]);
    if (!std::isfinite(error) || grid.is_padded(i)) continue;
    squares += square(error);
    ++count;
    account.worst = std::max(account.worst, error);
  }
  if (count != 0) account.rms = std::sqrt(squares / static_cast<double>(count));
  return account;
}

std::optional<DenominatorAccount> denominator_account(const Tensor& denominator) {
  const Values values(denominator);
  DenominatorAccount account;
  account.smallest = HUGE_VAL;
  for (std::size_t i = 0; i < denominator.size(); ++i) {
    if (!std::isfinite(values[i])) continue;
    account.smallest = std::min(account.smallest, values[i]);
    account.below_one += values[i] < 1;
  }
  if (account.smallest == HUGE_VAL) return std::nullopt;
  return account;
}

}  // namespace ulpscope::judge
