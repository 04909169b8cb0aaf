// SPDX-License-Identifier: Apache-2.0
// Recipes fp64 and fp32 against every golden dump: values and gradients, the bounds stated with each case.
#include "tests/golden/golden.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::compressor;
using namespace ulpscope::test;

namespace {

bool exists(const std::string& name) { return std::filesystem::exists(golden_path(name)); }

/// Every slot of the dump within `forward_bound` / `backward_bound` (relative_error) of the run; the number of slots
/// compared.
std::size_t check_slots(const Tape& run, const ulpscope::judge::Dump& dump, double forward_bound,
                        double backward_bound) {
  std::size_t compared = 0;
  for (const auto& [slot, record] : dump.tape.records()) {
    INFO(to_string(slot));
    const Record* ours = run.find(slot);
    REQUIRE(ours != nullptr);
    Tensor tensor = ours->tensor;
    const auto partial = dump.partial.find(slot);
    if (partial != dump.partial.end()) {
      CHECK(relative_error(ulpscope::judge::cropped(tensor, partial->second),
                           ulpscope::judge::cropped(record.tensor, partial->second)) <= forward_bound);
    } else {
      CHECK(relative_error(tensor, record.tensor) <=
            (slot.direction == Direction::forward ? forward_bound : backward_bound));
    }
    ++compared;
  }
  return compared;
}

Problem as_dumped(const Problem& problem, const ulpscope::judge::Dump& dump) {
  return dump.config ? with_config(problem, *dump.config) : problem;
}

}  // namespace

TEST_CASE(
    "recipe fp64 agrees with float64 autograd: 1e-13 forward, 1e-12 backward, 1e-11 backward on saturated softmaxes") {
  for (const std::string& name : golden_cases()) {
    const Problem problem = golden_problem(name);
    const auto dump = golden_dump(name + ".fp64", problem);
    const bool hard = name.find("hard") != std::string::npos;
    INFO(name);
    CHECK(check_slots(run_traced(problem, load_recipe("fp64"), {}).tape, dump, 1e-13, hard ? 1e-11 : 1e-12) ==
          30 - (problem.config.rope ? 0U : 1U));
  }
}

TEST_CASE("recipe fp32 agrees with every fp32 run of Hugging Face, PR 3810 and MaxText within 5e-6") {
  std::size_t dumps = 0;
  for (const std::string& name : golden_cases()) {
    const Problem problem = golden_problem(name);
    for (const char* run :
         {".hf-fp32", ".pr3810-fp32-eager", ".pr3810-fp32-jit", ".maxtext-fp32-eager", ".maxtext-fp32-jit"}) {
      if (!exists(name + run)) continue;
      const auto dump = golden_dump(name + run, problem);
      INFO(name << run);
      CHECK(check_slots(run_traced(as_dumped(problem, dump), load_recipe("fp32"), {}).tape, dump, 5e-6, 5e-6) >= 9);
      ++dumps;
    }
  }
  CHECK(dumps == 22);
}

TEST_CASE("recipe fp32 with segment_ids agrees with MaxText's packed runs within 5e-6") {
  Recipe recipe = with_setting(load_recipe("fp32"), "segments=previous_half");
  std::size_t dumps = 0;
  for (const std::string& name : golden_cases()) {
    if (!exists(name + ".maxtext-fp32-packed")) continue;
    Problem problem = golden_problem(name);
    const auto dump = golden_dump(name + ".maxtext-fp32-packed", problem);
    problem = as_dumped(problem, dump);
    add_packing(problem);
    INFO(name);
    CHECK(check_slots(run_traced(problem, recipe, {}).tape, dump, 5e-6, 5e-6) >= 9);
    ++dumps;
  }
  CHECK(dumps >= 4);
}

namespace {

/// Elements outside numpy's assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5), as the pull request's tests call it.
std::size_t outside_allclose(const Tensor& ours, const Tensor& theirs) {
  REQUIRE(ours.shape == theirs.shape);
  std::size_t outside = 0;
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    outside += !(std::fabs(ours.at(i) - theirs.at(i)) <= 1e-5 + 1e-5 * std::fabs(theirs.at(i))) ? 1 : 0;
  }
  return outside;
}

/// kv, gate, weights, pooled, normed and output of a dump against recipe fp32.
void check_allclose(const std::string& name, const std::string& run) {
  const Problem problem = golden_problem(name);
  const auto dump = golden_dump(name + run, problem);
  const Tape tape = run_traced(as_dumped(problem, dump), load_recipe("fp32"), {}).tape;
  for (const Name slot_name : {Name::kv, Name::gate, Name::weights, Name::pooled, Name::normed, Name::output}) {
    const Slot slot = forward(slot_name);
    INFO(name << run << " " << to_string(slot));
    REQUIRE(dump.tape.has(slot));
    Tensor ours = tape.find(slot)->tensor;
    Tensor theirs = dump.tape.find(slot)->tensor;
    if (const auto partial = dump.partial.find(slot); partial != dump.partial.end()) {
      ours = ulpscope::judge::cropped(ours, partial->second);
      theirs = ulpscope::judge::cropped(theirs, partial->second);
    }
    CHECK(outside_allclose(ours, theirs) == 0);
  }
}

}  // namespace

TEST_CASE("PR 3810's own checks hold at rtol = atol = 1e-5, eagerly and under jit, from kv and gate to the output") {
  std::size_t dumps = 0;
  for (const std::string& name : golden_cases()) {
    for (const char* run : {".pr3810-fp32-eager", ".pr3810-fp32-jit"}) {
      if (!exists(name + run)) continue;
      check_allclose(name, run);
      ++dumps;
    }
  }
  CHECK(dumps == 8);
}
