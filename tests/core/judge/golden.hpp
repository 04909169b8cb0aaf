// SPDX-License-Identifier: Apache-2.0
// What the tests of judging share: dumps against recipes and truths, our own runs as dumps.
#pragma once

#include <optional>
#include <string>

#include "core/compressor/run.hpp"
#include "core/judge/compare.hpp"
#include "tests/support/golden.hpp"

namespace ulpscope::test {

inline judge::Truth truth_of(const compressor::Problem& problem, const std::optional<compressor::Recipe>& recipe) {
  const auto basis = recipe ? judge::Basis::quantized : judge::Basis::given;
  const auto exact = recipe ? judge::truth_recipe(*recipe, problem.config, basis) : judge::plain_truth_recipe();
  return {{"fp64", 53, basis}, exact, compressor::run_traced(problem, exact, {}).tape};
}

/// A dump against a recipe, with its truth.
inline judge::RunReport judged(const compressor::Problem& problem, const judge::Dump& dump,
                               const std::optional<compressor::Recipe>& recipe,
                               const judge::CompareOptions& options = {}) {
  const compressor::Problem own = judge::judged_problem(problem, dump);
  return judge::compare(own, dump, {recipe, truth_of(own, recipe)}, options);
}

/// Our own run as a dump in memory.
inline judge::Dump own_dump(const compressor::Problem& problem, const compressor::Recipe& recipe) {
  judge::Dump dump;
  dump.tape = compressor::run_traced(problem, recipe, {}).tape;
  dump.source = "own run";
  return dump;
}

inline const judge::Row& row_named(const judge::RunReport& run, const std::string& slot) {
  for (const judge::Row& row : run.rows) {
    if (compressor::to_string(row.slot) == slot) return row;
  }
  throw std::runtime_error("no row " + slot);
}

/// A slot's values of a dump, to be changed.
inline std::vector<double> values_of(const judge::Dump& dump, const std::string& slot) {
  return compressor::to_doubles(dump.tape.find(compressor::parse_slot(slot))->tensor);
}
inline void set_values(judge::Dump& dump, const std::string& name, std::vector<double> values) {
  const auto slot = compressor::parse_slot(name);
  const compressor::Record record = *dump.tape.find(slot);
  dump.tape.set(slot, {record.tensor.shape, std::move(values), io::DType::f64}, record.format);
}
inline void keep_only(judge::Dump& dump, const std::vector<std::string>& names) {
  compressor::Tape tape;
  for (const std::string& name : names) {
    const auto slot = compressor::parse_slot(name);
    tape.set(slot, dump.tape.find(slot)->tensor, dump.tape.find(slot)->format);
  }
  dump.tape = std::move(tape);
}

}  // namespace ulpscope::test
