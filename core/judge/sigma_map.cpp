// SPDX-License-Identifier: Apache-2.0
// Dithered runs, and totals judged by them.
#include "core/judge/sigma_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/compressor/run.hpp"
#include "core/judge/attribution_sum.hpp"
#include "core/judge/owners.hpp"
#include "core/judge/text_table.hpp"
#include "precision/random.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Slot;
using compressor::Tape;
using Doubles = std::vector<double>;

/// Honest implementations are at most 3 off, other legal orders of sums 5, rarely 10 [measured on the golden dumps].
constexpr double z = 6;
constexpr int draws = 64;
constexpr double most_operations = 0x1p32;

double uniform(const precision::Counter& counter) {
  return std::ldexp(static_cast<double>(precision::random_bits(counter) >> 11), -52) - 1;
}

/// The exact run with noise in every slot that rounds; tables are off as they are.
Tape dithered(const Evidence& evidence, const compressor::Recipe& suffix, const Deviations& deviations, int draw) {
  compressor::RunOptions options;
  options.threads = evidence.threads;
  for (const auto& [slot, deviation] : deviations) {
    const bool table = compressor::level_of(slot) == compressor::Level::table;
    const std::uint64_t key = slot.index() + 1;
    options.overrides[slot] = [&deviation, table, key, draw](compressor::Tensor& tensor) {
      Doubles values = compressor::to_doubles(tensor);
      for (std::size_t i = 0; i < values.size(); ++i) {
        const double noise = std::sqrt(3.) * uniform({key, i, static_cast<std::uint64_t>(draw)});
        values[i] += deviation[i] * (table ? 1 : noise);
      }
      tensor.data = std::move(values);
    };
  }
  return compressor::run_traced(evidence.problem, suffix, options).tape;
}

/// Half of each square becomes its row's mean; root.
void share_with_rows(Doubles& squares, std::size_t width) {
  for (std::size_t row = 0; row < squares.size(); row += width) {
    double sum = 0;
    for (std::size_t i = row; i < row + width; ++i) sum += squares[i];
    for (std::size_t i = row; i < row + width; ++i)
      squares[i] = std::sqrt(.5 * (squares[i] + sum / static_cast<double>(width)));
  }
}

double operations_of(const compressor::Config& config) {
  return 12. * static_cast<double>(config.batch * config.seq) * static_cast<double>(config.hidden * config.features());
}

/// What the totals of one row are judged by.
struct Total {
  Enclosure run;
  Enclosure truth;
  Enclosure sigma;
  Enclosure own;  ///< the recipe's own run
};

double norm(const Doubles& values) {
  double square = 0;
  for (const double value : values) square += std::isfinite(value) ? value * value : 0;
  return std::sqrt(square);
}

/// "output: cast ...": the owners that make most of it, for the attribution's own target.
std::string causes_of(const RunReport& report, Slot slot, double relative) {
  if (!report.attribution || report.attribution->target != slot) return "";
  std::vector<Owner> owners = owners_of(*report.attribution);
  std::stable_sort(owners.begin(), owners.end(),
                   [](const Owner& a, const Owner& b) { return a.expected.value_or(0) > b.expected.value_or(0); });
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, owners.size()); ++i) {
    const double part = relative * std::sqrt(owners[i].expected.value_or(0));
    if (part > 0) text += fmt::format("{} {} {}", text.empty() ? ":" : ",", owners[i].name, short_number(part));
  }
  return text;
}

void judge_total(const RunReport& report, Row& row, const Total& total) {
  const Difference error = difference(total.run, total.truth);
  const double of_truth = norm(total.truth.value);
  const double of_sigma = norm(total.sigma.value);
  const double of_own = norm(difference(total.own, total.truth).value);
  double widest = 0;
  std::size_t beyond = 0;
  double farthest = 0;
  for (std::size_t i = 0; i < error.value.size(); ++i) {
    const double sigma = total.sigma.value[i];
    if (std::isnan(error.value[i]) || !std::isfinite(sigma)) continue;
    const double slack = 0x1p-44 * std::fabs(total.truth.value[i]);  // of fp64 itself
    widest = std::max(widest, z * sigma);
    if (sigma > 0) farthest = std::max(farthest, std::fabs(error.value[i]) / sigma);
    beyond += !(std::fabs(error.value[i]) <= z * sigma + slack);
  }
  if (!(of_sigma > 0) || !(of_truth > 0)) return;
  row.tolerance = Tolerance{.atol = widest};
  row.tolerance_reason =
      fmt::format("{:.0f} sigma of each element, {} in norm{}; the farthest is {:.1f} sigma off; sharpness {:.1f}", z,
                  short_number(z * of_sigma / of_truth), causes_of(report, row.slot, of_sigma / of_truth), farthest,
                  of_own > 0 ? z * of_sigma / of_own : HUGE_VAL);
  if (beyond == 0 || row.status == Status::fail || report.verdict) return;
  row.status = Status::fail;
  row.reason = fmt::format("{} of {} elements are more than {:.0f} sigma of the recipe's roundings off the truth",
                           beyond, error.value.size(), z);
}

}  // namespace

SigmaMap sigma_map(const Evidence& evidence, const Deviations& deviations, int count) {
  const compressor::Recipe suffix = suffix_recipe(evidence.recipe, evidence.problem.config);
  compressor::RunOptions options;
  options.threads = evidence.threads;
  const Tape exact = compressor::run_traced(evidence.problem, suffix, options).tape;
  SigmaMap squares;
  for (const auto& [slot, record] : exact.records()) squares[slot].assign(record.tensor.size(), 0);
  for (int draw = 0; draw < count; ++draw) {
    const Tape noisy = dithered(evidence, suffix, deviations, draw);
    for (auto& [slot, sum] : squares) {
      const compressor::Tensor& here = noisy.find(slot)->tensor;
      const compressor::Tensor& there = exact.find(slot)->tensor;
      for (std::size_t i = 0; i < sum.size(); ++i) {
        const double off = here.at(i) == there.at(i) ? 0 : here.at(i) - there.at(i);
        sum[i] += off * off / count;
      }
    }
  }
  for (auto& [slot, sum] : squares) share_with_rows(sum, exact.find(slot)->tensor.shape.back());
  return squares;
}

void tolerate_totals(RunReport& report, const Evidence& evidence, const Tape& truth) {
  if (operations_of(evidence.problem.config) > most_operations || evidence.problem.config.windows() == 0) return;
  const SigmaMap sigma = sigma_map(evidence, deviations_of(evidence), draws);
  compressor::RunOptions options;
  options.threads = evidence.threads;
  const Tape own = compressor::run_traced(evidence.problem, evidence.recipe, options).tape;
  for (Row& row : report.rows) {
    const auto found = sigma.find(row.slot);
    if (!row.local || row.tolerance || found == sigma.end() || !own.has(row.slot)) continue;
    const compressor::Shape whole = own.find(row.slot)->tensor.shape;
    Total total{enclosure_of(evidence.run.find(row.slot)->tensor),
                enclosure_of(truth.find(row.slot)->tensor),
                {whole, found->second, {}, {}},
                enclosure_of(own.find(row.slot)->tensor)};
    for (Enclosure* each : {&total.run, &total.truth, &total.sigma, &total.own}) crop(*each, row.shape);
    judge_total(report, row, total);
  }
}

}  // namespace ulpscope::judge
