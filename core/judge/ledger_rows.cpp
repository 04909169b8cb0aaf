// SPDX-License-Identifier: Apache-2.0
// One walk over windows for each account; sums are in double, in the order of the slots.
#include "core/judge/ledger_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/compressor/parallel.hpp"
#include "precision/native.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Tensor;
using Sums = std::vector<double>;

/// Adds a window's rows, channel by channel.
void add_rows(Sums& sums, const Tensor& tensor, const WindowGrid& grid, std::size_t window) {
  std::fill(sums.begin(), sums.end(), 0.0);
  std::visit(
      [&](const auto& values) {
        for (std::size_t r = 0; r < grid.rows(); ++r) {
          const auto* row = values.data() + grid.at(window, r);
          for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += static_cast<double>(row[c]);
        }
      },
      tensor.data);
}

class Mass {
 public:
  Mass(const WeightRows& rows, const WindowGrid& grid) : rows_(rows), grid_(grid), sums_(grid.channels()) {}

  std::optional<MassAccount> account() {
    for (std::size_t window = 0; window < grid_.windows(); ++window) {
      if (grid_.has_tokens(window)) take(window);
    }
    if (count_ == 0) return std::nullopt;
    take_flushed();
    account_.rms = std::sqrt(squares_ / static_cast<double>(count_));
    account_.at = grid_.spot(account_.at.window, account_.at.channel);
    account_.flushed_at = grid_.spot(account_.flushed_at.window, account_.flushed_at.channel);
    account_.before_cast = before_cast();
    return account_;
  }

 private:
  void take(std::size_t window) {
    add_rows(sums_, rows_.weights, grid_, window);
    for (std::size_t c = 0; c < sums_.size(); ++c) {
      const double lost = 1 - sums_[c];
      if (!std::isfinite(lost)) continue;
      squares_ += lost * lost;
      if (count_++ == 0 || std::fabs(lost) > std::fabs(account_.lost)) {
        account_.lost = lost;
        account_.at = {window, c, ""};
      }
    }
  }

  void take_flushed() {
    if (rows_.zeroed.empty()) return;
    Sums flushed(grid_.windows() * grid_.channels());
    for (const ZeroedWeight& weight : rows_.zeroed) flushed[grid_.entry_of(weight.element)] += weight.exact;
    const auto largest = std::max_element(flushed.begin(), flushed.end());
    const auto entry = static_cast<std::size_t>(largest - flushed.begin());
    account_.flushed = *largest;
    account_.flushed_at = {entry / grid_.channels(), entry % grid_.channels(), ""};
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
  Sums sums_;  ///< of one window's channels
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
  return ExpAccount{"", lowest, points.zero_below, points.subnormal_below, grid.spot(at.window, at.channel)};
}

namespace {

/// The softmax in fp64 of a window's logits, channel by channel; kept while elements of that window are asked for.
class ExactWeights {
 public:
  ExactWeights(const Tensor& logits, const WindowGrid& grid, PadRole pads)
      : logits_(logits), grid_(grid), pads_(pads), largest_(grid.channels()), sums_(grid.channels()) {}

  double at(std::size_t element) {
    if (pads_ != PadRole::counted && grid_.is_padded(element)) return 0;
    const std::size_t window = grid_.entry_of(element) / grid_.channels();
    if (window_ != window) take(window);
    const std::size_t c = element % grid_.channels();
    return exp_(logits_[element] - largest_[c]) / sums_[c];
  }

 private:
  static double exp_(double x) { return precision::Native<double>().exp(x); }
  bool is_counted(std::size_t window, std::size_t row) const {
    return pads_ != PadRole::left_out || !grid_.is_padded(window, row);
  }
  void take(std::size_t window) {
    window_ = window;
    std::fill(largest_.begin(), largest_.end(), -HUGE_VAL);
    std::fill(sums_.begin(), sums_.end(), 0.0);
    for (std::size_t r = 0; r < grid_.rows(); ++r) {
      if (!is_counted(window, r)) continue;
      const std::size_t first = grid_.at(window, r);
      for (std::size_t c = 0; c < sums_.size(); ++c) largest_[c] = std::max(largest_[c], logits_[first + c]);
    }
    for (std::size_t r = 0; r < grid_.rows(); ++r) {
      if (!is_counted(window, r)) continue;
      const std::size_t first = grid_.at(window, r);
      for (std::size_t c = 0; c < sums_.size(); ++c) sums_[c] += exp_(logits_[first + c] - largest_[c]);
    }
  }

  Values logits_;
  const WindowGrid& grid_;
  PadRole pads_;
  Sums largest_;
  Sums sums_;
  std::size_t window_ = std::numeric_limits<std::size_t>::max();
};

}  // namespace

std::vector<ZeroedWeight> zeroed_weights(const LogitRows& rows, const WindowGrid& grid, unsigned threads) {
  const Values found(rows.weights);
  const Values arguments(rows.logits);
  std::vector<std::vector<ZeroedWeight>> of_window(grid.windows());
  compressor::parallel_for({0, grid.windows(), 1}, threads, [&](std::size_t begin, std::size_t end) {
    ExactWeights exact(rows.logits, grid, rows.pads);
    for (std::size_t window = begin; window < end; ++window) {
      for (std::size_t i = grid.at(window, 0); i < grid.at(window + 1, 0); ++i) {
        if (found[i] != 0 || !std::isfinite(arguments[i])) continue;
        const double value = exact.at(i);
        if (value > 0) of_window[window].push_back({i, value});
      }
    }
  });
  std::vector<ZeroedWeight> zeroed;
  for (const auto& some : of_window) zeroed.insert(zeroed.end(), some.begin(), some.end());
  return zeroed;
}

PooledAccount pooled_account(const PooledRows& rows, const WindowGrid& grid) {
  const Values values(rows.values);
  Sums missing(grid.windows() * grid.channels());
  for (const ZeroedWeight& weight : rows.zeroed)
    missing[grid.entry_of(weight.element)] += weight.exact * values[weight.element];
  double lost = 0;
  double explained = 0;
  double error = 0;
  double truth = 0;
  for (std::size_t i = 0; i < missing.size(); ++i) {
    const double have = rows.pooled.at(i);
    const double want = rows.truth.at(i);
    if (!std::isfinite(have) || !std::isfinite(want) || !std::isfinite(missing[i])) continue;
    lost += square(missing[i]);
    explained += missing[i] * (want - have);
    error += square(want - have);
    truth += square(want);
  }
  PooledAccount account;
  account.rms_rel = lost == 0 ? 0 : std::sqrt(lost / truth);
  if (error != 0) account.share = explained / error;
  return account;
}

LogitAccount logit_account(const Tensor& logits, const Tensor& truth, const WindowGrid& grid) {
  // By channel: no sum waits for the one before.
  Sums squares(grid.channels());
  Sums counts(grid.channels());
  Sums worst(grid.channels());
  const auto take = [&](const auto& found, const auto& exact) {
    for (std::size_t first = 0; first < found.size(); first += squares.size()) {
      if (grid.is_padded(first)) continue;
      for (std::size_t c = 0; c < squares.size(); ++c) {
        const double distance =
            std::fabs(static_cast<double>(found[first + c]) - static_cast<double>(exact[first + c]));
        const bool finite = distance < HUGE_VAL;
        const double error = finite ? distance : 0;
        squares[c] += square(error);
        counts[c] += finite ? 1 : 0;
        worst[c] = std::max(worst[c], error);
      }
    }
  };
  std::visit(take, logits.data, truth.data);
  const double count = std::accumulate(counts.begin(), counts.end(), 0.0);
  if (count == 0) return {};
  return {*std::max_element(worst.begin(), worst.end()),
          std::sqrt(std::accumulate(squares.begin(), squares.end(), 0.0) / count)};
}

std::optional<DenominatorAccount> denominator_account(const Tensor& denominator, const WindowGrid& grid) {
  const Values values(denominator);
  DenominatorAccount account;
  account.smallest = HUGE_VAL;
  for (std::size_t window = 0; window < grid.windows(); ++window) {
    if (!grid.has_tokens(window)) continue;
    for (std::size_t i = window * grid.channels(); i < (window + 1) * grid.channels(); ++i) {
      if (!std::isfinite(values[i])) continue;
      account.smallest = std::min(account.smallest, values[i]);
      account.below_one += values[i] < 1;
    }
  }
  if (account.smallest == HUGE_VAL) return std::nullopt;
  return account;
}

}  // namespace ulpscope::judge
