// SPDX-License-Identifier: Apache-2.0
// What ports keep of a run, and the judgement that compare passes on it, tolerances of totals included.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "core/compressor/graph.hpp"
#include "core/judge/compare.hpp"
#include "core/judge/sigma_map.hpp"
#include "core/judge/truth.hpp"

namespace ulpscope::test {

/// All slots but the tables; what a fused kernel gives: output and the gradients of inputs; the output alone.
enum class Kept { all, results, output };
inline constexpr Kept all_kept[] = {Kept::all, Kept::results, Kept::output};

inline std::string to_string(Kept kept) {
  return kept == Kept::all ? "all slots" : kept == Kept::results ? "results" : "the output";
}

inline bool keeps(Kept kept, compressor::Slot slot) {
  using namespace compressor;
  if (kept == Kept::all) return level_of(slot) != Level::table;
  const bool output = slot == forward(Name::output);
  return output || (kept == Kept::results && slot.direction == Direction::backward && is_input(slot.name));
}

inline judge::Dump dump_of(const compressor::Tape& tape, Kept kept) {
  judge::Dump dump;
  for (const auto& [slot, record] : tape.records()) {
    if (keeps(kept, slot)) dump.tape.set(slot, record.tensor, record.format);
  }
  dump.source = "a port that keeps " + to_string(kept);
  return dump;
}

/// A problem and a recipe that dumps are judged by. Truth and sigma map are made once.
class Court {
 public:
  Court(compressor::Problem problem, compressor::Recipe recipe)
      : problem_(std::move(problem)), recipe_(std::move(recipe)), exact_(judge::exact_in_fp64()) {
    truth_.recipe = judge::truth_recipe(*recipe_, problem_.config, judge::Basis::quantized);
    truth_.tape = compressor::run_traced(problem_, truth_.recipe, {}).tape;
    map_ = judge::sigma_map(evidence(truth_.tape));
  }
  Court(const Court&) = delete;
  Court& operator=(const Court&) = delete;

  const compressor::Problem& problem() const { return problem_; }
  const compressor::Recipe& recipe() const { return *recipe_; }

  judge::RunReport judged(const judge::Dump& dump) const {
    judge::RunReport report = judge::compare(problem_, dump, {recipe_, truth_}, {});
    judge::tolerate_totals(report, evidence(dump.tape), truth_.tape, map_.value());
    return report;
  }

 private:
  judge::Evidence evidence(const compressor::Tape& run) const { return {problem_, *recipe_, run, exact_}; }

  compressor::Problem problem_;
  std::optional<compressor::Recipe> recipe_;
  judge::Exact exact_;
  judge::Truth truth_;
  std::optional<judge::SigmaMap> map_;
};

/// One line per row that fails, and the verdict.
inline std::string failures(const judge::RunReport& report) {
  std::string text;
  for (const judge::Row& row : report.rows) {
    if (row.status == judge::Status::fail)
      text += judge::name_of(row) + ": " + row.reason + "; " + row.tolerance_reason + "\n";
  }
  if (report.verdict)
    text += fmt::format("{}: {} {} for {} {}\n", report.verdict->sentence, report.verdict->dump,
                        report.verdict->dump_hex, report.verdict->expected, report.verdict->expected_hex);
  return text;
}

}  // namespace ulpscope::test
