// SPDX-License-Identifier: Apache-2.0
// Dithered runs, and totals judged by them.
#include "core/judge/sigma_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "core/compressor/run.hpp"
#include "core/judge/attribution_sum.hpp"
#include "core/judge/owners.hpp"
#include "core/judge/slot_judge.hpp"
#include "core/judge/text_table.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Slot;
using compressor::Tape;
using Doubles = std::vector<double>;

/// Honest implementations are at most 3 off, other legal orders of sums 5, rarely 10 [measured on the golden dumps].
constexpr double z = 6;
constexpr int draws = 32;
constexpr double most_operations = 0x1p31;

/// Adds one draw of noise; tables are off as they are.
void dither(compressor::Tensor& tensor, Slot slot, const Doubles& deviation, int draw) {
  const bool table = compressor::level_of(slot) == compressor::Level::table;
  Doubles values = compressor::to_doubles(tensor);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] += deviation[i] * (table ? 1 : unit_noise(slot, i, static_cast<std::uint64_t>(draw)));
  }
  tensor.data = std::move(values);
}

/// Whether no other slot moves it: it is computed once for all draws.
bool reads_inputs_only(Slot slot) {
  return slot == compressor::forward(compressor::Name::kv) || slot == compressor::forward(compressor::Name::gate);
}

/// The exact run with noise in every slot that rounds.
Tape dithered(const Evidence& evidence, const Tape& exact, const Deviations& deviations, int draw) {
  compressor::RunOptions options;
  options.threads = evidence.threads;
  Tape given;
  for (const auto& [slot, record] : exact.records()) {
    if (reads_inputs_only(slot)) given.set(slot, record.tensor, record.format);
  }
  for (const auto& [slot, deviation] : deviations) {
    const auto add_noise = [slot = slot, &any = deviation.any, draw](compressor::Tensor& tensor) {
      dither(tensor, slot, any, draw);
    };
    if (!given.has(slot)) {
      options.overrides[slot] = add_noise;
      continue;
    }
    compressor::Record record = *given.find(slot);
    add_noise(record.tensor);
    given.set(slot, std::move(record.tensor), std::move(record.format));
  }
  return compressor::run_pinned(evidence.problem, suffix_recipe(evidence.recipe, evidence.problem.config), given,
                                options);
}

/// A square is raised to its mean with its row's mean square, never lowered: an element that cancels is farther off
/// than its row, and few draws may underrate any. Root.
void share_with_rows(Doubles& squares, std::size_t width) {
  for (std::size_t row = 0; row < squares.size(); row += width) {
    double sum = 0;
    for (std::size_t i = row; i < row + width; ++i) sum += squares[i];
    for (std::size_t i = row; i < row + width; ++i)
      squares[i] = std::sqrt(std::max(squares[i], .5 * (squares[i] + sum / static_cast<double>(width))));
  }
}

/// The largest logit of a window is shifted to 0, and its exponential is 1, whatever its noise, until another logit's
/// noise overtakes it; too rare for a few draws to show. It is then off by what their difference is.
void raise_maxima(SigmaMap& map, const Tape& exact) {
  const auto logits = map.sigma.find(compressor::forward(compressor::Name::logits));
  const compressor::Record* const shifted = exact.find(compressor::forward(compressor::Name::shifted));
  if (logits == map.sigma.end() || shifted == nullptr) return;
  const compressor::Shape& shape = shifted->tensor.shape;  // [B,W,L,d]
  const std::size_t rows = shape[2];
  const std::size_t channels = shape[3];
  for (std::size_t first = 0; first < logits->second.size(); first += rows * channels) {
    for (std::size_t c = first; c < first + channels; ++c) {
      double widest = 0;
      for (std::size_t r = 0; r < rows; ++r) widest = std::max(widest, logits->second[c + r * channels]);
      for (std::size_t i = c; i < first + rows * channels; i += channels) {
        if (shifted->tensor.at(i) != 0) continue;
        for (const compressor::Name name : {compressor::Name::shifted, compressor::Name::exp}) {
          const auto found = map.sigma.find(compressor::forward(name));
          if (found == map.sigma.end()) continue;
          found->second[i] = std::max(found->second[i], std::hypot(logits->second[i], widest));
        }
      }
    }
  }
}

/// A table is off as the recipe's own is, which may be hardly at all; another library's sine, or power, is another
/// rounding of the same number. What every library has, 0 and 1 of position 0, stays.
void round_tables(SigmaMap& map, const Tape& own) {
  for (auto& [slot, sigma] : map.sigma) {
    const compressor::Record* const table = own.find(slot);
    if (compressor::level_of(slot) != compressor::Level::table || table == nullptr) continue;
    const Ruler ruler(table->format);
    for (std::size_t i = 0; i < sigma.size(); ++i) {
      const double cast = .5 / std::sqrt(3.) * ruler.spacing(table->tensor.at(i));
      if (sigma[i] != 0) sigma[i] = std::hypot(sigma[i], cast);
    }
  }
}

/// What the totals of one row are judged by.
struct Total {
  Enclosure run;
  Enclosure truth;
  Enclosure sigma;
  double sharpness;
};

double norm(const Doubles& values) {
  double square = 0;
  for (const double value : values) square += std::isfinite(value) ? value * value : 0;
  return std::sqrt(square);
}

void add_squares(Doubles& squares, const compressor::Record& noisy, const compressor::Record& exact) {
  for (std::size_t i = 0; i < squares.size(); ++i) {
    const double here = noisy.tensor.at(i);
    const double there = exact.tensor.at(i);
    const double off = here == there ? 0 : here - there;
    squares[i] += off * off / draws;
  }
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

/// How far a row's elements are off, in sigmas of each.
struct Distance {
  double farthest = 0;
  std::size_t index = 0;   ///< of the farthest
  std::size_t beyond = 0;  ///< elements
  double widest = 0;       ///< tolerance
};

Distance distance_of(const Total& total) {
  const Difference error = difference(total.run, total.truth);
  Distance distance;
  for (std::size_t i = 0; i < error.value.size(); ++i) {
    const double sigma = total.sigma.value[i];
    if (std::isnan(error.value[i]) || !std::isfinite(sigma)) continue;
    const double off = std::fabs(error.value[i]);
    const double slack = 0x1p-44 * std::fabs(total.truth.value[i]);  // of fp64 itself
    const bool beyond = !(off <= z * sigma + slack);
    const double in_sigmas = sigma > 0 ? off / sigma : beyond ? HUGE_VAL : 0;
    if (in_sigmas > distance.farthest) std::tie(distance.farthest, distance.index) = std::pair(in_sigmas, i);
    distance.widest = std::max(distance.widest, z * sigma);
    distance.beyond += beyond;
  }
  return distance;
}

/// Left open by a replay through coarse sums, and by nothing else.
bool is_open(const Row& row) { return row.status == Status::undecided && row.undecided == 0 && row.replay; }

/// Judges rows one after the other. Where a verdict stands already, what follows from it is no news.
class Totals {
 public:
  Totals(RunReport& report, const compressor::Config& config)
      : report_(report), config_(config), news_(!report.verdict) {}

  void judge(Row& row, const Total& total) {
    const double of_truth = norm(total.truth.value);
    const double of_sigma = norm(total.sigma.value);
    if (!(of_sigma > 0) || !(of_truth > 0)) return;
    const Distance distance = distance_of(total);
    row.tolerance = Tolerance{.atol = distance.widest};
    row.tolerance_reason =
        fmt::format("{:.0f} sigma of each element, {} in norm{}; the farthest is {:.1f} sigma off; sharpness {:.1f}", z,
                    short_number(z * of_sigma / of_truth), causes_of(report_, row.slot, of_sigma / of_truth),
                    distance.farthest, total.sharpness);
    if (distance.beyond != 0) {
      if (news_ && row.status != Status::fail) fail(row, total, distance);
    } else if (is_open(row)) {
      row.status = Status::ok;
      row.reason += fmt::format("; all are within {:.0f} sigma of the truth", z);
    }
  }

 private:
  void fail(Row& row, const Total& total, const Distance& distance) {
    row.status = Status::fail;
    row.reason = fmt::format("{} of {} elements are more than {:.0f} sigma of the recipe's roundings off the truth",
                             distance.beyond, total.run.value.size(), z);
    if (report_.verdict) return;
    const std::size_t i = distance.index;
    Verdict verdict = verdict_at(row, {i, total.run.value[i], total.truth.value[i]}, config_);
    verdict.diagnosis = "tolerance";
    verdict.sentence = fmt::format("{}, {:.3g} at {}; honest runs stay within {:.0f}, in whatever order they add",
                                   row.reason, distance.farthest, verdict.place, z);
    report_.verdict = std::move(verdict);
  }

  RunReport& report_;
  const compressor::Config& config_;
  bool news_;
};

}  // namespace

double operations_of(const compressor::Config& config) {
  return 12. * static_cast<double>(config.batch * config.seq) * static_cast<double>(config.hidden * config.features());
}

bool is_quick_to_run(const compressor::Config& config) { return operations_of(config) <= 0x1p28; }

std::string why_no_sigma_map(const compressor::Config& config) {
  if (config.windows() == 0) return "no tolerance is derived: there is no entry";
  const double operations = operations_of(config);
  if (operations <= most_operations) return "";
  return fmt::format(
      "no tolerance of a slot's distance from the truth is derived: that takes {} runs, each of {:.1e} operations in "
      "its "
      "projections, more than {:.1e}",
      draws, operations, most_operations);
}

std::optional<SigmaMap> sigma_map(const Evidence& evidence) {
  if (!why_no_sigma_map(evidence.problem.config).empty()) return std::nullopt;
  const Tape own = own_run(evidence);
  const Deviations deviations =
      deviations_of({evidence.problem, evidence.recipe, own, evidence.exact, nullptr, evidence.threads, &own});
  compressor::RunOptions options;
  options.threads = evidence.threads;
  const compressor::Recipe suffix = suffix_recipe(evidence.recipe, evidence.problem.config);
  const Tape exact = compressor::run_traced(evidence.problem, suffix, options).tape;
  SigmaMap map;
  for (const auto& [slot, record] : exact.records()) map.sigma[slot].assign(record.tensor.size(), 0);
  for (int draw = 0; draw < draws; ++draw) {
    const Tape noisy = dithered(evidence, exact, deviations, draw);
    for (auto& [slot, squares] : map.sigma) add_squares(squares, *noisy.find(slot), *exact.find(slot));
  }
  for (auto& [slot, squares] : map.sigma) share_with_rows(squares, exact.find(slot)->tensor.shape.back());
  raise_maxima(map, exact);
  round_tables(map, own);
  for (const auto& [slot, sigma] : map.sigma) {
    if (!own.has(slot)) continue;
    const compressor::Tensor& truth = exact.find(slot)->tensor;
    const double error = norm(difference(enclosure_of(own.find(slot)->tensor), enclosure_of(truth)).value);
    map.sharpness[slot] = error > 0 ? z * norm(sigma) / error : HUGE_VAL;
  }
  return map;
}

void tolerate_totals(RunReport& report, const Evidence& evidence, const Tape& truth, const SigmaMap& map) {
  Totals totals(report, evidence.problem.config);
  for (Row& row : report.rows) {
    const auto sharpness = map.sharpness.find(row.slot);
    if (!row.tensor.empty() || !row.metrics || row.tolerance || sharpness == map.sharpness.end()) continue;
    const compressor::Record* run = evidence.run.find(row.slot);
    const compressor::Record* exact = truth.find(row.slot);
    if (run == nullptr || exact == nullptr) continue;
    Total total{enclosure_of(run->tensor),
                enclosure_of(exact->tensor),
                {compressor::shape_of(row.slot, evidence.problem.config), map.sigma.at(row.slot), {}, {}},
                sharpness->second};
    for (Enclosure* each : {&total.run, &total.truth, &total.sigma}) crop(*each, row.shape);
    totals.judge(row, total);
  }
}

void tolerate_totals(RunReport& report, const Evidence& evidence, const Tape& truth) {
  if (const auto map = sigma_map(evidence))
    tolerate_totals(report, evidence, truth, *map);
  else
    report.notes.push_back(why_no_sigma_map(evidence.problem.config));
}

}  // namespace ulpscope::judge
