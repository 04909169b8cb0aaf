// SPDX-License-Identifier: Apache-2.0
// Derived tolerances: every honest golden dump stays inside those of its own recipe, and small faults do not.
#include "core/judge/sigma_map.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>

#include "core/judge/owners.hpp"
#include "tests/golden/golden.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;

namespace {

/// Judged by tolerances only.
judge::RunReport tolerated(const compressor::Problem& given, const judge::Dump& dump,
                           const compressor::Recipe& recipe) {
  const auto problem = judge::judged_problem(given, dump);
  const auto exact = judge::truth_recipe(recipe, problem.config, judge::Basis::quantized);
  const judge::Truth truth{{}, exact, compressor::run_traced(problem, exact, {}).tape};
  judge::CompareOptions options;
  options.tolerance.atol = HUGE_VAL;
  judge::RunReport report = judge::compare(problem, dump, {recipe, truth}, options);
  for (judge::Row& row : report.rows) row.tolerance.reset();
  const judge::Exact tier = judge::exact_in_fp64();
  const judge::Evidence evidence{problem, recipe, dump.tape, tier, &dump.partial, 1};
  judge::split_errors(report, evidence, truth.tape);
  judge::tolerate_totals(report, evidence, truth.tape, judge::sigma_map(evidence).value());
  return report;
}

std::size_t failing(const judge::RunReport& report) {
  std::size_t count = 0;
  for (const judge::Row& row : report.rows) {
    if (row.status != judge::Status::fail) continue;
    UNSCOPED_INFO(compressor::to_string(row.slot) << ": " << row.reason << "; " << row.tolerance_reason);
    ++count;
  }
  return count;
}

/// How near the rows behind the tables come to their worst case bounds: at most 1, each stage being honest.
double nearest_to_bound(const compressor::Problem& problem, const judge::Dump& dump, const compressor::Recipe& recipe) {
  judge::RunReport report = tolerated(problem, dump, recipe);
  const auto exact = judge::truth_recipe(recipe, problem.config, judge::Basis::quantized);
  const judge::Exact tier = judge::exact_in_fp64();
  judge::split_and_bound_errors(report, {problem, recipe, dump.tape, tier, &dump.partial, 1},
                                compressor::run_traced(problem, exact, {}).tape);
  double nearest = 0;
  std::size_t bounded = 0;
  for (const judge::Row& row : report.rows) {
    if (!row.bound || compressor::level_of(row.slot) == compressor::Level::table) continue;
    nearest = std::max(nearest, row.bound->ratio);
    ++bounded;
  }
  CHECK(bounded > 20);
  return nearest;
}

judge::Dump own_dump(const compressor::Problem& problem, const compressor::Recipe& recipe) {
  judge::Dump dump;
  dump.tape = compressor::run_traced(problem, recipe, {}).tape;
  dump.source = "own run";
  return dump;
}

}  // namespace

TEST_CASE("every honest golden dump is within six sigma of the truth, slot by slot and element by element") {
  std::size_t dumps = 0;
  for (const std::string& name : test::golden_cases()) {
    for (const auto& [run, recipe] : {std::pair{"hf-bf16", "hf"},
                                      {"hf-fp32", "hf-fp32"},
                                      {"maxtext-fp32-eager", "fp32"},
                                      {"maxtext-fp32-jit", "fp32"},
                                      {"maxtext-fp32-packed", "fp32"},
                                      {"pr3810-bf16-eager", "pr3810"},
                                      {"pr3810-bf16-jit", "pr3810-jit"},
                                      {"maxtext-bf16-eager", "maxtext"},
                                      {"maxtext-bf16-jit", "maxtext-jit"},
                                      {"maxtext-bf16-apebf16", "maxtext-bf16"}}) {
      const std::string dump_name = name + "." + run;
      if (!std::ifstream(test::golden_path(dump_name))) continue;
      INFO(dump_name);
      const auto dump = test::golden_dump(dump_name, test::golden_problem(name));
      auto claimed = compressor::load_recipe(recipe);
      auto problem = test::golden_problem(name);
      if (run == std::string("maxtext-fp32-packed")) {
        claimed = compressor::with_setting(claimed, "segments=previous_half");
        test::add_packing(problem);
      }
      const auto report = tolerated(problem, dump, claimed);
      CHECK(failing(report) == 0);
      const auto toleranced = std::count_if(report.rows.begin(), report.rows.end(),
                                            [](const judge::Row& row) { return row.tolerance.has_value(); });
      CHECK(toleranced >= 8);
      ++dumps;
    }
  }
  CHECK(dumps == 44);
}

TEST_CASE("on ordinary problems the output's tolerance is at most 8 times what an honest run is off") {
  const auto recipe = compressor::load_recipe("hf");
  for (const char* name : {"csa-small", "hca-small", "csa-batch16", "csa-indexer"}) {
    const auto problem = test::golden_problem(name);
    const auto report = tolerated(problem, test::golden_dump(std::string(name) + ".hf-bf16", problem), recipe);
    for (const judge::Row& row : report.rows) {
      if (row.slot != compressor::forward(compressor::Name::output)) continue;
      INFO(name << ": " << row.tolerance_reason);
      const std::size_t at = row.tolerance_reason.find("sharpness ");
      REQUIRE(at != std::string::npos);
      CHECK(std::stod(row.tolerance_reason.substr(at + 10)) <= 8);
    }
  }
}

TEST_CASE(
    "frequencies rounded to bf16, and YaRN left out, are beyond six sigma on the long problem, and within worst "
    "cases") {
  const auto problem = test::golden_problem("hca-small");
  const auto recipe = compressor::load_recipe("hf");
  CHECK(failing(tolerated(problem, own_dump(problem, recipe), recipe)) == 0);

  auto rounded = own_dump(problem, compressor::with_setting(recipe, "rope_table.frequencies=bf16"));
  auto plain = problem;
  plain.config.rope->yarn.reset();
  for (auto dump : {std::move(rounded), own_dump(plain, recipe)}) {
    CHECK(nearest_to_bound(problem, dump, recipe) <= 1);  // worst cases, stage by stage, let it pass
    for (const auto table :
         {compressor::Name::rope_frequencies, compressor::Name::rope_cos, compressor::Name::rope_sin})
      dump.tape = [&] {
        compressor::Tape others;
        for (const auto& [slot, record] : dump.tape.records()) {
          if (slot != compressor::forward(table)) others.set(slot, record.tensor, record.format);
        }
        return others;
      }();
    const auto report = tolerated(problem, dump, recipe);
    bool output = false;
    for (const judge::Row& row : report.rows) {
      output =
          output || (row.slot == compressor::forward(compressor::Name::output) && row.status == judge::Status::fail);
    }
    CHECK(output);
  }
}
