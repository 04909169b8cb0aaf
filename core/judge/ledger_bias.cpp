// SPDX-License-Identifier: Apache-2.0
// Last places are compared by exponents: no rounding is done here.
#include "core/judge/ledger_bias.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace ulpscope::judge {
namespace {

using compressor::Config;
using compressor::Name;

/// Exponent of the last place of a number. Formats end above fp64's subnormals, or share them: its exponent field will
/// do.
int last_place(double value, const precision::Format& format) {
  const int exponent = static_cast<int>(std::bit_cast<std::uint64_t>(value) >> 52 & 0x7FF) - 1023;
  return std::max(exponent, format.emin) - format.precision + 1;
}

class Absorbing {
 public:
  Absorbing(const BiasRows& rows, const Config& config, const WindowGrid& grid)
      : rows_(rows),
        config_(config),
        grid_(grid),
        sum_(rows.sum),
        gate_(rows.gate),
        ape_(rows.ape),
        width_(rows.sum.shape.back()),
        lost_(config.features()),
        counts_(config.features()) {
    for (std::size_t i = 0; i < rows.ape.size(); ++i) places_.push_back(last_place(ape_[i], rows.ape_format));
  }

  std::optional<Absorption> run() {
    for (std::size_t row = 0; row < rows_.sum.size() / width_; ++row) {
      if (rows_.slot.name == Name::biased) {
        take_tokens(row);
      } else if (!grid_.is_padded(row * width_)) {
        take_slots(row);
      }
    }
    const bool none = std::all_of(counts_.begin(), counts_.end(), [](std::uint64_t count) { return count == 0; });
    return none ? std::nullopt : std::optional(summed());
  }

 private:
  /// biased: row = a token of a whole window; the gate may go on behind the last window.
  void take_tokens(std::size_t row) {
    const std::size_t tokens = config_.windows() * config_.ratio;
    const std::size_t gate_tokens = rows_.gate.shape[1];
    const std::size_t token = row / tokens * gate_tokens + row % tokens;
    const std::size_t bias = row % config_.ratio * width_;
    for (std::size_t c = 0; c < width_; ++c) take({row * width_ + c, token * width_ + c, bias + c}, c);
  }

  /// logits: row = a softmax slot; slot r < ratio of an overlapping window has the first half of the features.
  void take_slots(std::size_t row) {
    const std::size_t r = row % grid_.rows();
    const std::size_t half = config_.overlap && r >= config_.ratio ? width_ : 0;
    const std::size_t bias = r % config_.ratio * config_.features() + half;
    for (std::size_t c = 0; c < width_; ++c) take({row * width_ + c, row * width_ + c, bias + c}, half + c);
  }

  struct At {
    std::size_t sum, gate, bias;
  };
  void take(const At& at, std::size_t feature) {
    const double bias = ape_[at.bias];
    const double gate = gate_[at.gate];
    const double sum = sum_[at.sum];
    if (bias == 0 || !std::isfinite(bias + gate + sum)) return;
    const int precision = rows_.ape_format.precision;
    ++counts_[feature];
    if (sum == gate) {
      ++found_.absorbed;
      lost_[feature] += precision;
    } else if (sum != 0) {
      lost_[feature] += std::clamp(last_place(sum, rows_.sum_format) - places_[at.bias], 0, precision);
    }
  }

  Absorption summed() {
    BiasAccount& account = found_.account;
    account.precision = rows_.ape_format.precision;
    account.count = std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
    double all = 0;
    account.worst_lost = -1;
    for (std::size_t feature = 0; feature < lost_.size(); ++feature) {
      all += lost_[feature];
      account.lost.push_back(counts_[feature] == 0 ? std::nan("")
                                                   : lost_[feature] / static_cast<double>(counts_[feature]));
      if (!(account.lost.back() > account.worst_lost)) continue;
      account.worst = feature;
      account.worst_lost = account.lost.back();
    }
    account.bits_lost = all / static_cast<double>(account.count);
    return found_;
  }

  const BiasRows& rows_;
  const Config& config_;
  const WindowGrid& grid_;
  Values sum_;
  Values gate_;
  Values ape_;
  std::size_t width_;
  std::vector<int> places_;  ///< last places of the biases
  std::vector<double> lost_;
  std::vector<std::uint64_t> counts_;
  Absorption found_;
};

}  // namespace

std::optional<Absorption> bias_account(const BiasRows& rows, const Config& config, const WindowGrid& grid) {
  return Absorbing(rows, config, grid).run();
}

}  // namespace ulpscope::judge
