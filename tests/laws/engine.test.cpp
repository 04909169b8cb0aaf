// SPDX-License-Identifier: Apache-2.0
// Laws of the engine: how a run is cut, threaded or vectorised never shows in its bits.
#include <cstring>

#include "core/compressor/kernels/kernel_sets.hpp"
#include "core/compressor/run.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope::compressor;
using ulpscope::test::small_problems;
using ulpscope::test::SmallProblem;

namespace {

/// The first slot of `part` whose bits differ from `whole`'s; "" if none. At least `least` slots must be compared.
std::string first_difference(const Tape& part, const Tape& whole, std::size_t least) {
  std::size_t compared = 0;
  for (const auto& [slot, record] : part.records()) {
    const Record* other = whole.find(slot);
    if (other == nullptr) return to_string(slot) + " is missing";
    if (record.tensor.data.index() != other->tensor.data.index()) return to_string(slot) + " has another carrier";
    const bool equal = std::visit(
        [&](const auto& a) {
          const auto& b = std::get<std::decay_t<decltype(a)>>(other->tensor.data);
          return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0;
        },
        record.tensor.data);
    if (!equal) return to_string(slot) + " differs";
    ++compared;
  }
  return compared < least ? "only " + std::to_string(compared) + " slots compared" : "";
}

RunOptions with_threads(unsigned threads) {
  RunOptions options;
  options.threads = threads;
  return options;
}

}  // namespace

TEST_CASE("a fused run has the traced run's bits, for every recipe, block size and thread count", "[threads]") {
  for (const SmallProblem& small : small_problems()) {
    for (const std::string& name : builtin_recipe_names()) {
      const Recipe recipe = load_recipe(name);
      const Tape traced = run_traced(small.problem, recipe, with_threads(1)).tape;
      for (const std::size_t block : {std::size_t{1}, std::size_t{3}, std::size_t{0}}) {
        RunOptions options = with_threads(static_cast<unsigned>(block % 3) + 1);
        options.block_windows = block;
        INFO(small.name << ", recipe " << name << ", " << block << " windows a block");
        CHECK(first_difference(run_fused(small.problem, recipe, options).tape, traced, 6) == "");
      }
    }
  }
}

TEST_CASE("a traced run has the same bits for 1, 2 and 3 threads", "[threads]") {
  for (const SmallProblem& small : small_problems()) {
    for (const std::string& name : builtin_recipe_names()) {
      const Recipe recipe = load_recipe(name);
      const Tape one = run_traced(small.problem, recipe, with_threads(1)).tape;
      for (const unsigned threads : {2U, 3U}) {
        INFO(small.name << ", recipe " << name << ", " << threads << " threads");
        CHECK(first_difference(one, run_traced(small.problem, recipe, with_threads(threads)).tape, 30) == "");
      }
    }
  }
}

TEST_CASE("packs of every SIMD level have the bits of scalars, for every recipe") {
  for (const SmallProblem& small : small_problems()) {
    for (const std::string& name : builtin_recipe_names()) {
      const Recipe recipe = load_recipe(name);
      RunOptions options;
      options.simd = "scalar";
      const Tape scalar = run_traced(small.problem, recipe, options).tape;
      for (const std::string& level : kernels::simd_levels()) {
        options.simd = level;
        INFO(small.name << ", recipe " << name << ", level " << level);
        CHECK(first_difference(scalar, run_traced(small.problem, recipe, options).tape, 30) == "");
      }
    }
  }
}

TEST_CASE("a run pinned on the first k of its own slots repeats itself, with a prior window too") {
  const SmallProblem small = small_problems()[1];
  const Recipe recipe = load_recipe("hf");
  const Tape traced = run_traced(small.problem, recipe, {}).tape;
  const std::vector<Slot> order = program_order(small.problem, recipe);
  for (std::size_t k = 0; k <= order.size(); k += 3) {
    Tape pinned;
    for (std::size_t i = 0; i < k; ++i)
      pinned.set(order[i], traced.find(order[i])->tensor, traced.find(order[i])->format);
    INFO("first " << k << " slots pinned");
    CHECK(first_difference(traced, run_pinned(small.problem, recipe, pinned, {}), 30) == "");
  }
}

TEST_CASE("each slot replayed from the run's own other slots is that slot") {
  for (const SmallProblem& small : small_problems()) {
    for (const std::string name : {"hf", "pr3810", "fp32", "bf16-pure", "vllm"}) {
      const Recipe recipe = load_recipe(name);
      const Tape traced = run_traced(small.problem, recipe, {}).tape;
      std::vector<Slot> slots;
      for (const auto& [slot, record] : traced.records()) slots.push_back(slot);
      INFO(small.name << ", recipe " << name);
      CHECK(first_difference(run_from(small.problem, recipe, {traced, slots}, {}).tape, traced, 30) == "");
    }
  }
}

TEST_CASE("an override acts on its slot and on everything after it, and on nothing before") {
  const SmallProblem small = small_problems().front();
  const Recipe recipe = load_recipe("fp32");
  const Tape plain = run_traced(small.problem, recipe, {}).tape;
  RunOptions options;
  options.overrides[forward(Name::weights)] = [](Tensor& weights) {
    std::get<std::vector<float>>(weights.data).back() = 2;
  };
  const Tape changed = run_traced(small.problem, recipe, options).tape;
  const auto differs = [&](Slot slot) {
    Tape one;
    one.set(slot, changed.find(slot)->tensor, changed.find(slot)->format);
    return first_difference(one, plain, 1) != "";
  };
  CHECK_FALSE(differs(forward(Name::softmax)));
  CHECK(differs(forward(Name::weights)));
  CHECK(differs(forward(Name::output)));
  CHECK(differs(gradient(Name::kv)));
  CHECK(changed.find(forward(Name::weights))->tensor.at(changed.find(forward(Name::weights))->tensor.size() - 1) == 2);
}
