// SPDX-License-Identifier: Apache-2.0
// The verb diff: two dumps against each other.
#include <fmt/format.h>

#include <algorithm>

#include "app/session.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/io/tensor_file.hpp"
#include "core/judge/compare.hpp"

namespace ulpscope::app {
namespace {

using compressor::Problem;
using judge::Dump;
using judge::Report;
using judge::RunReport;
using judge::Status;

/// What the dumps' tensors are slots of: a named problem, or the config that a dump carries.
Problem common_problem(const DiffOptions& options, TypedReader& reader) {
  if (options.problem) return reader.problem(*options.problem);
  for (const DumpSource& dump : {options.first, options.second}) {
    const auto* path = std::get_if<std::string>(&dump);
    const auto metadata = path != nullptr ? io::read_tensors(*path).metadata : std::get<1>(dump)->file.metadata;
    const auto found = metadata.find("config");
    if (found == metadata.end()) continue;
    const std::string where = name_of(dump) + ": config";
    Problem problem;
    problem.config = compressor::config_from_json(io::parse_json(found->second, where), where);
    problem.source = name_of(dump);
    return problem;
  }
  throw InputError(name_of(options.first) + ": neither dump carries a config; name their problem with --problem");
}

std::string listed_slots(const std::vector<std::string>& names) {
  constexpr std::size_t shown = 6;
  std::string text;
  for (std::size_t i = 0; i < std::min(shown, names.size()); ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > shown ? text + ", ..." : text;
}

bool holds(const Dump& dump, const judge::Row& row) {
  return row.tensor.empty() ? dump.tape.has(row.slot) : dump.others.contains(row.tensor);
}

std::string first_difference(const judge::Verdict& verdict, const Dump& second) {
  return fmt::format("The first difference: {} at {} (element {}) is {:.9g}, and {:.9g} in {}.",
                     judge::name_of(verdict), verdict.place, verdict.index, verdict.dump, verdict.expected,
                     second.source);
}

std::vector<std::string> sentences(const RunReport& run, const Dump& first, const Dump& second) {
  std::vector<std::string> differing;
  std::vector<std::string> only_first;
  std::vector<std::string> only_second;
  std::size_t common = 0;
  std::size_t judged = 0;
  for (const judge::Row& row : run.rows) {
    const bool in_first = holds(first, row);
    const bool in_both = in_first && holds(second, row);
    common += in_both;
    judged += in_both && row.status != Status::absent;
    if (in_both && row.status != Status::fail) continue;
    (in_both ? differing : in_first ? only_first : only_second).push_back(judge::name_of(row));
  }
  std::vector<std::string> summary;
  if (common == 0) {
    summary.emplace_back("The dumps have no slot in common.");
  } else if (judged == 0) {
    summary.emplace_back("Nothing could be compared: no common slot holds an element.");
  } else if (differing.empty()) {
    summary.push_back(fmt::format("All {} common slots that hold elements agree.", judged));
  } else {
    summary.push_back(
        fmt::format("{} of {} common slots differ: {}.", differing.size(), common, listed_slots(differing)));
    if (run.verdict) summary.push_back(first_difference(*run.verdict, second));
  }
  for (const auto& [names, dump] : {std::pair{&only_first, &first}, std::pair{&only_second, &second}}) {
    if (names->empty()) continue;
    summary.push_back(fmt::format("{} slot{} only in {}: {}.", names->size(), names->size() == 1 ? " is" : "s are",
                                  dump->source, listed_slots(*names)));
  }
  return summary;
}

/// An empty comparison is no agreement.
int exit_of(const RunReport& run) {
  const bool any =
      std::any_of(run.rows.begin(), run.rows.end(), [](const judge::Row& row) { return row.status != Status::absent; });
  return any ? judge::exit_code(run) : 1;
}

}  // namespace

Outcome diff(const DiffOptions& options) {
  TypedReader reader(options.dtypes);
  const Problem problem = common_problem(options, reader);
  const Dump first = read_dump(options.first, problem, options.map, reader);
  const Dump second = read_dump(options.second, problem, options.map, reader);
  reader.require_used();
  Report report;
  report.provenance = provenance(options.threads);
  report.problems.push_back(judge::describe(problem));
  report.runs.push_back(judge::diff(problem, first, second, {options.tolerance, options.slots, options.threads}));
  report.exit = exit_of(report.runs.front());
  report.summary = sentences(report.runs.front(), first, second);
  return {judge::to_json(report), "", report.exit};
}

}  // namespace ulpscope::app
