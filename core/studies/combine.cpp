// SPDX-License-Identifier: Apache-2.0
// One point under several seeds: means with Student's intervals, words with their counts.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/studies/run_study.hpp"

namespace ulpscope::studies {
namespace {

using io::Json;

/// Two-sided 95% quantile of Student's t with `freedom` >= 1 degrees [Student08]; beyond 30 the expansion
/// z + (z^3 + z) / (4 f), whose error is below 1e-3 there.
double student95(std::size_t freedom) {
  constexpr std::array<double, 30> table{12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060,
                                         2.2622,  2.2281, 2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199,
                                         2.1098,  2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639,
                                         2.0595,  2.0555, 2.0518, 2.0484, 2.0452, 2.0423};
  if (freedom <= table.size()) return table[freedom - 1];
  constexpr double z = 1.959964;
  return z + (z * z * z + z) / (4.0 * static_cast<double>(freedom));
}

void combine_numbers(const std::string& name, const std::vector<Json>& values, Json& out) {
  const auto count = static_cast<double>(values.size());
  double sum = 0;
  for (const Json& value : values) sum += io::number_of(value);
  const double mean = sum / count;
  double squares = 0;
  for (const Json& value : values) squares += std::pow(io::number_of(value) - mean, 2);
  out[name] = io::number(mean);
  out[name + "_ci95"] = io::number(student95(values.size() - 1) * std::sqrt(squares / (count - 1) / count));
}

std::string counted_words(const std::vector<Json>& values) {
  std::vector<std::pair<std::string, std::size_t>> counts;
  for (const Json& value : values) {
    const auto word = value.is_string() ? value.get<std::string>() : value.dump();
    const auto found =
        std::find_if(counts.begin(), counts.end(), [&](const auto& entry) { return entry.first == word; });
    if (found == counts.end()) {
      counts.emplace_back(word, 1);
    } else {
      ++found->second;
    }
  }
  std::stable_sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  if (counts.size() == 1) return counts.front().first;
  std::string out;
  for (const auto& [word, count] : counts) out += fmt::format("{}{} ({})", out.empty() ? "" : ", ", word, count);
  return out;
}

}  // namespace

Json combined(const std::vector<Json>& draws) {
  if (draws.size() == 1 || draws.front().contains("skipped")) return draws.front();
  Json out = Json::object();
  for (const auto& [name, first] : draws.front().items()) {
    std::vector<Json> values;
    for (const Json& draw : draws) values.push_back(draw.at(name));
    const bool numbers =
        std::all_of(values.begin(), values.end(), [](const Json& v) { return io::is_number_or_nonfinite(v); });
    if (std::any_of(values.begin(), values.end(), [](const Json& v) { return v.is_null(); })) {
      out[name] = nullptr;  // what does not apply once applies to no mean
    } else if (numbers) {
      combine_numbers(name, values, out);
    } else {
      out[name] = counted_words(values);
    }
  }
  return out;
}

std::string said_of_means(std::span<const Cell> cells, std::size_t seeds) {
  const auto is_mean = [](const Cell& cell) {
    const auto items = cell.measures.items();
    return std::any_of(items.begin(), items.end(), [](const auto& item) { return item.key().ends_with("_ci95"); });
  };
  if (std::none_of(cells.begin(), cells.end(), is_mean)) return "";
  return fmt::format(
      "A point's numbers are means over {} seeds: 'up to', 'at most', 'at least', 'largest' and 'smallest' are said of "
      "such means; a single seed may lie beyond.",
      seeds);
}

}  // namespace ulpscope::studies
