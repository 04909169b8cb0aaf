// SPDX-License-Identifier: Apache-2.0
// Element rules. Every comparison that passes an element is written so that NaN fails.
#include "core/judge/slot_judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/judge/dump.hpp"
#include "precision/round_array.hpp"
#include "precision/ulp.hpp"

namespace ulpscope::judge {
namespace {

using compressor::Record;
using compressor::Slot;
using compressor::Tensor;

std::string stage_name(Slot slot, const Bench& bench) {
  if (bench.plan != nullptr) return std::string(to_string(bench.plan->writer(slot)));
  return std::string(to_string(compressor::Plan::writer_of(slot, compressor::Pipeline::bias_first, bench.config)));
}

}  // namespace

precision::Format format_of(Slot slot, const Record& record, const Bench& bench) {
  return bench.plan != nullptr ? bench.plan->at(slot).storage : record.format;
}

Row absent_row(Slot slot, const std::string& reason, const Bench& bench) {
  Row row;
  row.slot = slot;
  row.stage = stage_name(slot, bench);
  row.status = Status::absent;
  row.reason = reason;
  return row;
}

void measure_row(Row& row, const Compared& tensors, const Yardstick& yardstick, unsigned threads) {
  row.metrics = measure(tensors.found, tensors.truth, yardstick, threads);
  row.status = row.metrics->count == 0 ? Status::absent : Status::ok;
  row.reason = row.metrics->note;
  if (row.metrics->count == 0 || row.metrics->compared != 0 || row.metrics->classes_equal()) return;
  row.status = Status::undecided;
  row.reason = "no element is finite on both sides, and classes differ";
}

namespace {

/// What the doubles of a slot's truth lack of it, cut to the rows that a partial dump holds.
std::vector<double> tail_of(Slot slot, const compressor::Shape& shape, const Bench& bench) {
  if (bench.truths == nullptr || !bench.truths->contains(slot)) return {};
  const Enclosure& truth = bench.truths->at(slot);
  if (truth.tail.empty() || truth.shape == shape) return truth.tail;
  return compressor::to_doubles(cropped(Tensor{truth.shape, truth.tail, io::DType::f64}, shape));
}

}  // namespace

Row measured_row(Slot slot, const Record& record, const Record* truth, const Bench& bench) {
  Row row = absent_row(slot, "the truth does not have this slot", bench);
  const precision::Format format = format_of(slot, record, bench);
  row.format = format.name;
  row.shape = record.tensor.shape;
  if (truth == nullptr) return row;
  const bool partial = truth->tensor.shape != record.tensor.shape;
  const Tensor& reference = truth->tensor;
  const Layout layout = layout_of(slot, row.shape, bench.config);
  const std::vector<double> tail = tail_of(slot, row.shape, bench);
  if (partial) {
    measure_row(row, {record.tensor, cropped(reference, row.shape)}, {format, layout, tail}, bench.threads);
  } else {
    measure_row(row, {record.tensor, reference}, {format, layout, tail}, bench.threads);
  }
  return row;
}

Verdict verdict_at(const Row& row, const Worst& element, const compressor::Config& config) {
  Verdict verdict;
  verdict.slot = row.slot;
  verdict.tensor = row.tensor;
  verdict.stage = row.stage;
  verdict.index = element.index;
  const Layout layout = row.tensor.empty() ? layout_of(row.slot, row.shape, config) : plain_layout(row.shape);
  verdict.place = to_string(place_of(element.index, layout), layout);
  verdict.dump = element.value;
  verdict.expected = element.truth;
  const auto format = precision::parse_format(row.format);
  verdict.dump_hex = precision::hex(element.value, format);
  verdict.expected_hex = precision::hex(element.truth, format);
  return verdict;
}

bool same_class(double a, double b) {
  if (std::isfinite(a) && std::isfinite(b)) return true;
  return a == b || (std::isnan(a) && std::isnan(b));
}

bool same_value(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) || (std::isnan(a) && std::isnan(b));
}

namespace {

double distance_of(double a, double b, const Ruler& ruler) {
  if (!same_class(a, b)) return std::numeric_limits<double>::infinity();
  return std::isfinite(a) ? ruler.distance(a, b) : 0;
}

}  // namespace

bool passes(double found, double value, double freedom, const Ruler& ruler) {
  if (!std::isfinite(found) || !std::isfinite(value)) return same_class(found, value);
  return std::fabs(found - value) <= ruler.spacing(std::max(std::fabs(found), std::fabs(value))) + freedom;
}

std::vector<std::size_t> judge_replay(Row& row, const Tensor& found, const Replayed& replayed, const Ruler& ruler) {
  std::vector<std::size_t> failing;
  std::vector<std::size_t> leaning;  // more than 1 ulp off, and passed by a freedom that admits other values as well
  std::size_t equal = 0;
  std::size_t explained = 0;
  std::size_t ambiguous = 0;
  double max_ulp = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double have = found.at(i);
    const double value = replayed.value.at(i);
    const bool same = same_value(have, value);
    const bool inside = have >= replayed.low[i] && have <= replayed.high[i];
    equal += same;
    explained += same || inside;
    const bool open = replayed.freedom[i] > 0 && ruler.distance(replayed.low[i], replayed.high[i]) >= 1;
    ambiguous += open;
    max_ulp = std::max(max_ulp, distance_of(have, value, ruler));
    if (same || passes(have, value, 0, ruler)) continue;
    if (!inside && !passes(have, value, replayed.freedom[i], ruler)) {
      failing.push_back(i);
    } else if (open) {
      leaning.push_back(i);
    }
  }
  const double count = std::max<double>(1, static_cast<double>(found.size()));
  if (static_cast<double>(leaning.size()) > replayed.leaning_cap * count) {
    std::vector<std::size_t> both;
    std::merge(failing.begin(), failing.end(), leaning.begin(), leaning.end(), std::back_inserter(both));
    failing = std::move(both);
  }
  row.replay = ReplayResult{replayed.from, static_cast<double>(equal) / count, static_cast<double>(explained) / count,
                            static_cast<double>(ambiguous) / count, max_ulp};
  return failing;
}

std::vector<std::size_t> whole_elements(std::vector<std::size_t> elements, const compressor::Shape& part,
                                        const compressor::Shape& whole, std::size_t first_row) {
  if (part == whole) return elements;
  const std::size_t held = part[1] * part[2];
  for (std::size_t& element : elements)
    element = element / held * whole[1] * whole[2] + first_row * whole[2] + element % held;
  return elements;
}

namespace {

/// Nothing where the sums on the way cannot be what makes them fail.
std::vector<Unexplained> unexplained_by(const Replayed& replayed, const Tensor& found,
                                        const std::vector<std::size_t>& failing, const Appeal& appeal) {
  if (!replayed.decisive) return {};
  const Ruler ruler(appeal.replayer.plan().at(appeal.slot).storage);
  const auto elements = whole_elements(failing, found.shape, appeal.whole, appeal.first_row);
  std::vector<Unexplained> unexplained;
  for (std::size_t k = 0; k < failing.size(); ++k) {
    const std::size_t i = failing[k];
    const double have = found.at(i);
    if (!std::isfinite(have) || !std::isfinite(replayed.value.at(i))) return {};
    unexplained.push_back({elements[k], have, ruler.spacing(have), replayed.low[i], replayed.high[i]});
  }
  return unexplained;
}

/// A replay, each of its elements moved by the shift of the whole slot's.
Replayed shifted(Replayed replayed, const std::vector<double>& shift, const Appeal& appeal) {
  std::vector<std::size_t> all(replayed.low.size());
  std::iota(all.begin(), all.end(), 0);
  const auto elements = whole_elements(std::move(all), replayed.value.shape, appeal.whole, appeal.first_row);
  std::vector<double> values = compressor::to_doubles(replayed.value);
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (double* value : {&values[i], &replayed.low[i], &replayed.high[i]}) *value += shift[elements[i]];
  }
  replayed.value.data = io::Buffer<double>(std::move(values));
  return replayed;
}

}  // namespace

std::vector<std::size_t> judge_with_appeal(Row& row, const Tensor& found, const Replayed& replayed,
                                           const Appeal& appeal) {
  const Ruler ruler(appeal.replayer.plan().at(appeal.slot).storage);
  std::vector<std::size_t> failing = judge_replay(row, found, replayed, ruler);
  const auto unexplained = unexplained_by(replayed, found, failing, appeal);
  if (unexplained.empty()) return failing;
  const double may_lean = replayed.leaning_cap * static_cast<double>(found.size());
  const auto shift = appeal.replayer.shift_by_few(appeal.slot, unexplained, static_cast<std::size_t>(may_lean));
  if (shift.empty()) return failing;
  Row scratch = row;
  if (!judge_replay(scratch, found, shifted(replayed, shift, appeal), ruler).empty()) return failing;
  row.reason = fmt::format("few single roundings on the way explain {} of {} elements, which the replay alone does not",
                           failing.size(), found.size());
  return {};
}

bool leave_to_sums(Row& row, const Replayed& replayed, std::size_t failing) {
  if (replayed.decisive) return false;
  row.status = Status::undecided;
  row.reason = fmt::format(
      "a replay does not explain {} of {} elements, but sums in coarse formats lie on its way from the slots that the "
      "dump holds: in another order they would be others",
      failing, replayed.low.size());
  return true;
}

std::vector<std::size_t> judge_tolerance(const Tensor& found, const Tensor& truth, const Tolerance& tolerance,
                                         const Ruler& ruler) {
  std::vector<std::size_t> failing;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!within(found.at(i), truth.at(i), tolerance, ruler)) failing.push_back(i);
  }
  return failing;
}

std::size_t most_telling(const std::vector<std::size_t>& elements, const Tensor& found, const Tensor& expected,
                         const Ruler& ruler) {
  std::size_t best = elements.front();
  double farthest = -1;
  for (const std::size_t i : elements) {
    const double distance = distance_of(found.at(i), expected.at(i), ruler);
    if (!(distance > farthest)) continue;
    farthest = distance;
    best = i;
  }
  return best;
}

std::size_t count_unrounded(const Tensor& tensor, const precision::Format& format) {
  const std::vector<double> values = compressor::to_doubles(tensor);
  std::vector<double> rounded(values.size());
  precision::round_array(values, rounded, format);
  std::size_t count = 0;
  for (std::size_t i = 0; i < values.size(); ++i) count += std::isfinite(values[i]) && values[i] != rounded[i];
  return count;
}

void crop(Replayed& replayed, const compressor::Shape& shape) {
  const compressor::Shape whole = replayed.value.shape;
  if (whole == shape) return;
  for (std::vector<double>* values : {&replayed.freedom, &replayed.low, &replayed.high}) {
    Tensor tensor{whole, std::move(*values), io::DType::f64};
    *values = compressor::to_doubles(cropped(tensor, shape));
  }
  replayed.value = cropped(replayed.value, shape);
}

}  // namespace ulpscope::judge
