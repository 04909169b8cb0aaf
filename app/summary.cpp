// SPDX-License-Identifier: Apache-2.0
// Sentence 1: whose output is nearest, and how far the others are. 2: where they part. 3: NaN, underflow, gradients.
#include "app/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "core/compressor/graph.hpp"
#include "core/judge/text_table.hpp"

namespace ulpscope::app {
namespace {

using compressor::Direction;
using compressor::forward;
using compressor::Name;
using compressor::Slot;
using judge::Report;
using judge::Row;
using judge::RunReport;

const Row* row_of(const RunReport& run, Slot slot) {
  for (const Row& row : run.rows) {
    if (row.slot == slot && row.metrics && row.metrics->compared != 0) return &row;
  }
  return nullptr;
}

double output_error(const RunReport& run) {
  const Row* row = row_of(run, forward(Name::output));
  return row == nullptr ? std::nan("") : row->metrics->rms_rel;
}

/// rms of one rounding of values whose significands are log-uniform: u * sqrt((1 - 1/4) / (6 ln 2)).
double floor_of(const std::string& format) {
  return precision::unit_roundoff(precision::parse_format(format)) * std::sqrt(0.75 / (6 * std::log(2.0)));
}

std::string problem_name(const Report& report, std::size_t problem) {
  const std::string& source = report.problems[problem].source;
  const std::size_t comma = source.find(',');
  return source.starts_with("preset ") ? source.substr(7, comma - 7) : source;
}

std::string percent_or_times(double ratio) {
  return ratio < 1.005 ? "equal" : ratio < 10 ? fmt::format("{:.2g}x", ratio) : fmt::format("{:.0f}x", ratio);
}

/// Elements of the output that are not finite there or in the truth.
std::uint64_t not_compared(const RunReport& run) {
  const Row* row = row_of(run, forward(Name::output));
  return row == nullptr ? 0 : row->metrics->count - row->metrics->compared;
}

/// Runs of one problem whose output has one format, those that are finite first, then the nearest to the truth.
using Group = std::vector<const RunReport*>;

std::vector<Group> groups_of(const Report& report) {
  std::map<std::pair<std::size_t, std::string>, Group> groups;
  for (const RunReport& run : report.runs) {
    const Row* row = row_of(run, forward(Name::output));
    if (row != nullptr) groups[{run.problem, row->format}].push_back(&run);
  }
  std::vector<Group> sorted;
  for (auto& [key, group] : groups) {
    std::stable_sort(group.begin(), group.end(), [](const auto* a, const auto* b) {
      return std::pair(not_compared(*a), output_error(*a)) < std::pair(not_compared(*b), output_error(*b));
    });
    sorted.push_back(std::move(group));
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const Group& a, const Group& b) { return a.size() > b.size(); });
  return sorted;
}

std::string ranking_of(const Report& report, const Group& group) {
  const RunReport& best = *group.front();
  const Row& row = *row_of(best, forward(Name::output));
  const double error = output_error(best);
  const std::string where = problem_name(report, best.problem);
  const std::string extent = extent_of(row);
  if (error == 0) return fmt::format("{}: the output of {} has no error at all{}", where, best.recipe, extent);
  std::string text = fmt::format(
      "{}: {}{} has an output error of {} (rms){}, {:.2g}x what rounding to {} alone costs", where, best.recipe,
      group.size() > 1 ? fmt::format(" is nearest of the {} recipes with {} output and", group.size(), row.format) : "",
      judge::short_number(error), extent, error / floor_of(row.format), row.format);
  std::string others;
  for (std::size_t i = 1; i < group.size(); ++i) {
    others += fmt::format("{}{} {}", others.empty() ? "" : ", ", group[i]->recipe,
                          percent_or_times(output_error(*group[i]) / error));
  }
  return others.empty() ? text : text + "; the others are worse by: " + others;
}

std::string first_sentence(const Report& report, const std::vector<Group>& groups) {
  std::string text = "Output. ";
  bool first = true;
  const std::size_t largest = groups.front().size();
  for (const Group& group : groups) {
    if (group.size() != largest) continue;
    text += (first ? "" : ". ") + ranking_of(report, group);
    first = false;
  }
  return text + '.';
}

/// Forward, and computed from the tokens: a table's error reaches the output only through the rotation.
bool towards_output(const Row& row) {
  return row.slot.direction == Direction::forward && compressor::level_of(row.slot) != compressor::Level::table &&
         row.metrics && row.metrics->compared != 0;
}

/// The first slot towards the output whose error is more than twice the best run's; null: none.
const Row* parting(const RunReport& run, const RunReport& best) {
  for (const Row& row : run.rows) {
    if (!towards_output(row)) continue;
    const Row* other = row_of(best, row.slot);
    if (other != nullptr && row.metrics->rms_rel > 2 * other->metrics->rms_rel) return &row;
  }
  return nullptr;
}

/// Of one run: the first slot towards the output whose relative error is more than half of the output's.
const Row* birth(const RunReport& run) {
  for (const Row& row : run.rows) {
    if (towards_output(row) && 2 * row.metrics->rms_rel > output_error(run)) return &row;
  }
  return nullptr;
}

/// Runs that leave the best one at the same slot, with the same numbers.
struct Parting {
  std::string names;
  double lowest = HUGE_VAL;  ///< of their outputs' errors
  double highest = 0;

  void add(const RunReport& run) {
    names += (names.empty() ? "" : ", ") + run.recipe;
    lowest = std::min(lowest, output_error(run));
    highest = std::max(highest, output_error(run));
  }
  std::string outputs() const {
    const std::string low = judge::short_number(lowest);
    const std::string high = judge::short_number(highest);
    return low == high ? low : low + " to " + high;
  }
};

std::string birth_sentence(const Report& report, const RunReport& best) {
  const Row* row = birth(best);
  if (row == nullptr) return fmt::format("Place. The output of {} has no error to place.", best.recipe);
  return fmt::format("Place. On {}, {} is the first slot of {} with more than half of the output's error ({} as {}).",
                     problem_name(report, best.problem), compressor::to_string(row->slot), best.recipe,
                     judge::short_number(row->metrics->rms_rel), row->format);
}

std::string second_sentence(const Report& report, const std::vector<Group>& groups) {
  const Group& group = groups.front();
  const RunReport& best = *group.front();
  std::map<std::string, Parting> parted;
  for (std::size_t i = 1; i < group.size(); ++i) {
    const Row* row = parting(*group[i], best);
    if (row == nullptr) continue;
    const Row* other = row_of(best, row->slot);
    parted[fmt::format("{} ({} as {}, {} has {} as {}", compressor::to_string(row->slot),
                       judge::short_number(row->metrics->rms_rel), row->format, best.recipe,
                       judge::short_number(other->metrics->rms_rel), other->format)]
        .add(*group[i]);
  }
  if (parted.empty()) return birth_sentence(report, best);
  std::string text = fmt::format("Place. On the way to the output of {}, ", problem_name(report, best.problem));
  bool first = true;
  for (const auto& [where, parting] : parted) {
    text +=
        fmt::format("{}{} {} first more than 2x as far off as {} at {}; output {})", first ? "" : "; ", parting.names,
                    parting.names.find(',') == std::string::npos ? "is" : "are", best.recipe, where, parting.outputs());
    first = false;
  }
  return text + ": look there first.";
}

std::string third_sentence(const Report& report) {
  const Row* broken = nullptr;
  const Row* gradient = nullptr;
  const RunReport* of_broken = nullptr;
  const RunReport* of_gradient = nullptr;
  std::optional<std::size_t> underflowed;  // nothing: no run kept its weights
  for (const RunReport& run : report.runs) {
    for (const Row& row : run.rows) {
      if (!row.metrics || row.metrics->count == 0) continue;
      if (!row.metrics->classes_equal() && broken == nullptr) broken = &row, of_broken = &run;
      if (row.slot == forward(Name::weights)) underflowed = underflowed.value_or(0) + row.metrics->classes.underflowed;
      const bool parameter = row.slot.direction == Direction::backward && compressor::is_input(row.slot.name);
      if (!parameter || row.metrics->compared == 0) continue;
      if (gradient == nullptr || row.metrics->rms_rel > gradient->metrics->rms_rel) gradient = &row, of_gradient = &run;
    }
  }
  std::string text = "Classes. ";
  if (broken != nullptr) {
    text +=
        fmt::format("Fix first: {} of {} on {} has {} values whose class (NaN, infinite, finite) is not the truth's",
                    compressor::to_string(broken->slot), of_broken->recipe, problem_name(report, of_broken->problem),
                    broken->metrics->classes.class_mismatch);
  } else {
    text += "No NaN and no infinity that the truth does not have";
  }
  if (underflowed)
    text += *underflowed == 0 ? "; no softmax weight underflows to 0"
                              : fmt::format("; {} softmax weights underflow to 0 in all runs together", *underflowed);
  if (gradient == nullptr) return text + '.';
  return text + fmt::format("; the worst gradient is {} of {} on {}: off by {} (rms), bias {}{}.",
                            compressor::to_string(gradient->slot), of_gradient->recipe,
                            problem_name(report, of_gradient->problem), judge::short_number(gradient->metrics->rms_rel),
                            judge::short_number(gradient->metrics->bias_rel), extent_of(*gradient));
}

bool has_output(const Report& report) {
  const auto is_output = [](const Row& row) {
    return row.slot == forward(Name::output) && row.metrics && row.metrics->count != 0;
  };
  return std::any_of(report.runs.begin(), report.runs.end(),
                     [&](const RunReport& run) { return std::any_of(run.rows.begin(), run.rows.end(), is_output); });
}

}  // namespace

std::string extent_of(const Row& row) {
  const judge::Metrics& metrics = *row.metrics;
  if (metrics.compared == metrics.count) return "";
  return fmt::format(" over the {} of {} elements that are finite in both", metrics.compared, metrics.count);
}

std::vector<std::string> summary_of(const Report& report) {
  const std::vector<Group> groups = groups_of(report);
  if (groups.empty()) {
    if (!has_output(report)) return {"Nothing to say: no run has an output (fewer tokens than one window)."};
    return {"Output. No run's output has an element that is finite there and in the truth.", third_sentence(report)};
  }
  return {first_sentence(report, groups), second_sentence(report, groups), third_sentence(report)};
}

}  // namespace ulpscope::app
