// SPDX-License-Identifier: Apache-2.0
// The oracle against golden float64 runs (autograd, no implementation's code) and against real frameworks' choices.
#include "reference/oracle.hpp"

#include "tests/reference/support.hpp"
#include "tests/support/catch.hpp"

namespace ulpscope {
namespace {

using compressor::Direction;
using reference::oracle;
using reference::OracleOptions;
using test::Golden;
using test::Problem;
using test::Tape;

struct Tolerance {
  double forward;
  double backward;
};

/// Compares every slot that the golden dump has; returns how many it has.
std::size_t require_slots(const Tape& tape, const Golden& golden, const Tolerance& tolerance) {
  for (const auto& [slot, expected] : golden) {
    INFO("slot " << to_string(slot));
    const compressor::Record* actual = tape.find(slot);
    REQUIRE(actual != nullptr);
    REQUIRE(expected.size() > 0);
    const double bound = slot.direction == Direction::forward ? tolerance.forward : tolerance.backward;
    const double error = test::relative_error(actual->tensor, expected);
    INFO("relative error " << error);
    REQUIRE(error <= bound);
  }
  return golden.size();
}

/// fp32 runs: a few thousand roundings of 2^-24, none of them amplified.
constexpr Tolerance fp32{2e-6, 4e-6};

TEST_CASE("the oracle has every slot of the golden float64 runs, to 1e-13 forward and 1e-12 backward", "[golden]") {
  struct Case {
    const char* name;
    std::size_t slots;
    double backward;
  };
  const auto [name, slots, backward] = GENERATE(values<Case>({{"csa-tiny", 30, 1e-12},
                                                              {"hca-tiny", 30, 1e-12},
                                                              {"csa-small", 30, 1e-12},
                                                              {"hca-small", 30, 1e-12},
                                                              {"csa-batch16", 29, 1e-12},
                                                              {"csa-short", 29, 1e-12},
                                                              {"csa-indexer", 30, 1e-12},
                                                              {"csa-hard", 30, 1e-11},
                                                              {"hca-hard", 30, 1e-11}}));
  INFO(name);
  const Tape tape = oracle(test::golden_problem(name), {});
  const Golden golden = test::golden_slots(std::string(name) + ".fp64");
  CHECK(require_slots(tape, golden, {1e-13, backward}) == slots);
}

/// A framework's dump may hold only the whole windows of kv and gate.
void drop_short_projections(Golden& golden, const compressor::Config& config) {
  for (const auto name : {compressor::Name::kv, compressor::Name::gate}) {
    const auto found = golden.find(compressor::forward(name));
    if (found != golden.end() && found->second.shape[1] != config.seq) golden.erase(found);
  }
}

TEST_CASE("pad_first with a gate pad of -1e4 is PR 3810's compressor in fp32") {
  Problem problem = test::golden_problem("csa-tiny");
  problem.config.rope.reset();
  Golden golden = test::golden_slots("csa-tiny.pr3810-fp32-eager");
  drop_short_projections(golden, problem.config);
  OracleOptions options;
  options.pipeline = compressor::Pipeline::pad_first;
  options.gate_pad = -1e4;
  CHECK(require_slots(oracle(problem, options), golden, fp32) == 9);
}

TEST_CASE("previous_half is MaxText's packing: a new document's first window sees no previous half") {
  Problem problem = test::golden_problem("csa-tiny");
  problem.config.rope.reset();
  std::vector<double> ids(problem.config.seq, 1);
  std::fill_n(ids.begin(), (problem.config.windows() / 2) * problem.config.ratio, 0);
  test::set_input(problem, compressor::Name::segment_ids, ids);
  const Golden golden = test::golden_slots("csa-tiny.maxtext-fp32-packed");
  OracleOptions options;
  options.segments = compressor::SegmentPolicy::previous_half;
  CHECK(require_slots(oracle(problem, options), golden, fp32) == 10);
  options.segments = compressor::SegmentPolicy::ignore;
  const auto output = compressor::forward(compressor::Name::output);
  CHECK(test::relative_error(oracle(problem, options).find(output)->tensor, golden.at(output)) > 0.1);
}

TEST_CASE("a gate pad of 0 takes weight from the real slots and its gradients do too") {
  OracleOptions options;
  options.gate_pad = 0;
  const Golden golden = test::golden_slots("csa-small.mutant-pad-gate-0");
  CHECK(require_slots(oracle(test::golden_problem("csa-small"), options), golden, fp32) == 21);
}

TEST_CASE("every slot of the contract is on the tape or absent with a reason") {
  for (const bool pad_first : {false, true}) {
    OracleOptions options;
    if (pad_first) options.pipeline = compressor::Pipeline::pad_first;
    const Tape tape = oracle(test::golden_problem("csa-tiny"), options);
    std::size_t count = 0;
    for (std::size_t index = 0; index < compressor::slot_count; ++index) {
      const auto name = static_cast<compressor::Name>(index % compressor::name_count);
      const auto direction = index < compressor::name_count ? Direction::forward : Direction::backward;
      const compressor::Slot slot{name, direction};
      const bool given = direction == Direction::forward && is_input(name);
      if (!compressor::find_slot(to_string(slot)) || given) continue;
      INFO(to_string(slot));
      CHECK((tape.has(slot) != (tape.absent().count(slot) == 1)));
      if (tape.has(slot))
        CHECK(tape.find(slot)->tensor.shape == shape_of(slot, test::golden_problem("csa-tiny").config));
      ++count;
    }
    CHECK(count == 56);
  }
}

TEST_CASE("fewer tokens than one window: no entries, gradients of all inputs are 0") {
  compressor::Config config = test::tiny_csa();
  const std::size_t seq = GENERATE(0U, 3U);
  config.seq = seq;
  const Tape tape = oracle(test::random_problem(config), {});
  CHECK(test::value(tape, compressor::Name::output).size() == 0);
  for (const auto name :
       {compressor::Name::hidden, compressor::Name::w_kv, compressor::Name::ape, compressor::Name::gamma}) {
    CHECK(test::largest(test::grad(tape, name)) == 0);
    CHECK(test::grad(tape, name).shape == shape_of(compressor::gradient(name), config));
  }
}

TEST_CASE("a tensor of the wrong rank is refused") {
  Problem problem = test::random_problem(test::tiny_hca());
  problem.inputs[compressor::Name::hidden].shape = {3};
  CHECK_THROWS_AS(oracle(problem, {}), std::invalid_argument);
}

}  // namespace
}  // namespace ulpscope
