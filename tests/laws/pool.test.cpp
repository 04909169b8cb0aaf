// SPDX-License-Identifier: Apache-2.0
// Laws of the fused pool: passes that follow memory, a few rows of every pack at a time, have the bits of the steps.
#include "core/compressor/kernels/kernel_sets.hpp"
#include "core/compressor/run_session.hpp"
#include "tests/laws/support/examples.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::compressor;
using namespace ulpscope::test;

namespace {

struct Shape {
  std::string name;
  Mode mode;
  std::size_t ratio, head_dim, seq;
};

/// Windows that are no multiple of the rows taken at a time, in two parts under overlap; frames of whole packs and a
/// rest; windows long and short.
Problem problem_of(const Shape& shape, double gate_sigma) {
  Config config = small_config(shape.mode);
  config.ratio = shape.ratio;
  config.head_dim = shape.head_dim;
  config.seq = shape.seq;
  MakeOptions make;
  make.gate_sigma = gate_sigma;
  return make_problem(config, make);
}

std::vector<Problem> problems() {
  std::vector<Problem> problems;
  for (const Shape& shape :
       {Shape{"hca, 20 slots", Mode::hca, 20, 88, 67}, Shape{"hca, 128 slots", Mode::hca, 128, 640, 256},
        Shape{"csa, 24 slots", Mode::csa, 12, 88, 50}, Shape{"csa, 8 slots", Mode::csa, 4, 144, 18}}) {
    problems.push_back(problem_of(shape, 1));
    problems.push_back(problem_of(shape, 100));  // most exponentials are 0: the quick one doubts
  }
  return problems;
}

std::vector<Recipe> recipes() {
  const Recipe fp32 = load_recipe("fp32");
  return {fp32,
          with_setting(fp32, "softmax.exp=fast"),
          with_settings(fp32, {"softmax.exp=glibc", "softmax.division=reciprocal"}),
          with_settings(fp32, {"products.compute=exact", "backward.softmax.compute=exact", "softmax.vjp=gy_minus_ys"}),
          with_setting(fp32, "pool.summation=pairwise"),
          load_recipe("hf-fp32"),
          load_recipe("fp64")};
}

void add(Tape& to, const Tape& from, const std::vector<Slot>& slots) {
  for (const Slot slot : slots) to.set(slot, from.find(slot)->tensor, from.find(slot)->format);
}

}  // namespace

TEST_CASE("a fused pool has the traced bits at every SIMD level, whatever the length of a window") {
  for (const Recipe& recipe : recipes()) {
    for (const Problem& problem : problems()) {
      const Tape traced = run_traced(problem, recipe, with_threads(1)).tape;
      for (const std::string& level : kernels::simd_levels()) {
        RunOptions options = with_threads(1);
        options.simd = level;
        INFO(recipe.name << ", " << problem.config.window_slots() << " slots, level " << level);
        CHECK(first_difference(run_fused(problem, recipe, options).tape, traced, 6) == "");
      }
    }
  }
}

TEST_CASE("a pool whose tokens are given runs in one block with the traced bits", "[threads]") {
  const std::vector<Slot> tokens{forward(Name::kv), forward(Name::gate)};
  const std::vector<Slot> saved{forward(Name::row_max), forward(Name::denominator), gradient(Name::pooled)};
  const RunOptions options = with_threads(2);
  for (const Recipe& recipe : recipes()) {
    for (const Problem& problem : problems()) {
      const Tape traced = run_traced(problem, recipe, options).tape;
      const Session session(problem, recipe, options);
      Tape given;
      add(given, traced, tokens);
      INFO(recipe.name << ", " << problem.config.window_slots() << " slots");
      CHECK(first_difference(session.evaluate(given, {forward(Name::pooled)}, Blocks::streamed), traced, 1) == "");
      add(given, traced, saved);
      const std::vector<Slot> gradients{gradient(Name::kv), gradient(Name::gate)};
      CHECK(first_difference(session.evaluate(given, gradients, Blocks::streamed), traced, 2) == "");
    }
  }
}
