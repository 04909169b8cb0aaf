// SPDX-License-Identifier: Apache-2.0
// Bins are read off the bits of a double: exponent, and for ulps the top three fraction bits.
#include "core/judge/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

namespace ulpscope::judge {

std::size_t UlpHistogram::bin_of(double ulps) {
  if (ulps == 0) return 0;
  if (!(ulps >= std::ldexp(1.0, lowest))) return 1;
  constexpr std::uint64_t first = static_cast<std::uint64_t>(1023 + lowest) * per_binade;
  const std::uint64_t code = (std::bit_cast<std::uint64_t>(ulps) >> 49) - first;
  return std::min(static_cast<std::size_t>(code) + 2, bins - 1);
}

double UlpHistogram::upper_edge(std::size_t bin) {
  if (bin == 0) return 0;
  if (bin == bins - 1) return std::numeric_limits<double>::infinity();
  const std::size_t steps = bin - 1;  // edges lie linearly inside a binade
  return std::ldexp(1.0 + static_cast<double>(steps % per_binade) / per_binade,
                    lowest + static_cast<int>(steps / per_binade));
}

void UlpHistogram::merge(const UlpHistogram& other) {
  for (std::size_t i = 0; i < bins; ++i) counts_[i] += other.counts_[i];
}

std::uint64_t UlpHistogram::total() const { return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0}); }

double UlpHistogram::quantile(double q, double maximum) const {
  const std::uint64_t all = total();
  if (all == 0) return std::numeric_limits<double>::quiet_NaN();
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(all))));
  std::uint64_t seen = 0;
  for (std::size_t bin = 0; bin < bins; ++bin) {
    seen += counts_[bin];
    if (seen >= rank) return std::min(upper_edge(bin), maximum);
  }
  return maximum;
}

UlpHistogram::Coarse UlpHistogram::coarse() const {
  Coarse coarse{{0.0, std::ldexp(1.0, lowest)}, {counts_[0], counts_[1]}};
  for (int binade = lowest; binade < highest; ++binade) {
    const auto first = counts_.begin() + 2 + (binade - lowest) * per_binade;
    coarse.upper_edges.push_back(std::ldexp(1.0, binade + 1));
    coarse.counts.push_back(std::accumulate(first, first + per_binade, std::uint64_t{0}));
  }
  coarse.upper_edges.push_back(std::numeric_limits<double>::infinity());
  coarse.counts.push_back(counts_[bins - 1]);
  while (coarse.counts.size() > 1 && coarse.counts.back() == 0) {
    coarse.counts.pop_back();
    coarse.upper_edges.pop_back();
  }
  return coarse;
}

std::size_t ErrorHistogram::index_of(double magnitude) {
  if (magnitude == 0) return 0;
  const int exponent = static_cast<int>(std::bit_cast<std::uint64_t>(magnitude) >> 52) - 1023;  // subnormals: -1023
  return static_cast<std::size_t>(std::clamp(exponent, lowest, highest) - zero);
}

void ErrorHistogram::merge(const ErrorHistogram& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

std::vector<ErrorHistogram::Cell> ErrorHistogram::cells() const {
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    cells.push_back({static_cast<int>(i / side) + zero, static_cast<int>(i % side) + zero, counts_[i]});
  }
  return cells;
}

}  // namespace ulpscope::judge
