// SPDX-License-Identifier: Apache-2.0
// Laws of the engine: how a run is cut, threaded or vectorised never shows in its bits.
#include <cmath>
#include <set>

#include "core/compressor/evaluate.hpp"
#include "core/compressor/kernels/kernel_sets.hpp"
#include "tests/laws/support/examples.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::compressor;
using namespace ulpscope::test;

namespace {

/// Rows [row * size / count, (row + 1) * size / count) of a tensor whose first axis is the batch.
Tensor part_of(const Tensor& tensor, std::size_t row) {
  Tensor part = tensor;
  const std::size_t size = tensor.size() / tensor.shape.front();
  part.shape.front() = 1;
  std::visit(
      [&](auto& values) {
        const auto* first = values.begin() + row * size;
        values = std::vector<typename std::decay_t<decltype(values)>::value_type>(first, first + size);
      },
      part.data);
  return part;
}

/// Whether a slot has one row for each batch row; weights, tables and the gradients of parameters do not.
bool is_per_batch_row(Slot slot, const Config& config) {
  Config other = config;
  other.batch = config.batch + 1;
  return shape_of(slot, other) != shape_of(slot, config);
}

Problem batch_row(const Problem& problem, std::size_t row) {
  Problem alone = problem;
  alone.config.batch = 1;
  for (auto& [name, tensor] : alone.inputs) {
    if (is_per_batch_row(forward(name), problem.config)) tensor = part_of(tensor, row);
  }
  return alone;
}

Tape tape_of_batch_row(const Tape& tape, const Config& config, std::size_t row) {
  Tape own;
  for (const auto& [slot, record] : tape.records()) {
    if (is_per_batch_row(slot, config)) own.set(slot, part_of(record.tensor, row), record.format);
  }
  return own;
}

/// Elements that are -0.
std::size_t negative_zeros(const Tape& tape, const std::string& slot) {
  const Tensor& tensor = tape.find(*find_slot(slot))->tensor;
  std::size_t count = 0;
  for (std::size_t i = 0; i < tensor.size(); ++i) count += tensor.at(i) == 0 && std::signbit(tensor.at(i)) ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("the recipes with masks run in every kind of number, and see the masks") {
  const Problem problem = small_problems()[1].problem;
  std::set<std::string> kinds;
  for (const Recipe& recipe : masking_recipes()) {
    const Run run = run_traced(problem, recipe, {});
    const Tape blind = run_traced(problem, with_settings(recipe, {"mask=ignore", "segments=ignore"}), {}).tape;
    INFO(recipe.name);
    CHECK(first_difference(run.tape, blind, 30) != "");
    kinds.insert(run.kind);
  }
  CHECK(kinds == std::set<std::string>{"float", "double", "emulated over float", "emulated over double"});
}

TEST_CASE("a fused run has the traced run's bits, for every recipe, block size and thread count", "[threads]") {
  for (const Example& example : examples()) {
    const Tape traced = run_traced(example.problem, example.recipe, with_threads(1)).tape;
    for (const std::size_t block : {std::size_t{1}, std::size_t{3}, std::size_t{0}}) {
      for (const unsigned threads : {1U, 2U, 3U}) {
        RunOptions options = with_threads(threads);
        options.block_windows = block;
        INFO(example.name << ", " << block << " windows a block, " << threads << " threads");
        CHECK(first_difference(run_fused(example.problem, example.recipe, options).tape, traced, 6) == "");
      }
    }
  }
}

TEST_CASE("a fused run has the traced run's bits where most exponentials are zero") {
  Config config = small_config(GENERATE(Mode::csa, Mode::hca));
  config.batch = 1;
  config.seq = 20 * config.ratio;
  config.head_dim = 64;  // whole packs at every level
  MakeOptions make;
  make.gate_sigma = 200;
  const Problem problem = make_problem(config, make);
  for (const std::string name : {"fp32", "native", "hf", "fp64"}) {
    const Tape traced = run_traced(problem, load_recipe(name), with_threads(1)).tape;
    const Tensor& exponentials = traced.find(*find_slot("exp"))->tensor;
    std::size_t normal = 0;
    for (std::size_t i = 0; i < exponentials.size(); ++i) normal += exponentials.at(i) >= 0x1p-126 ? 1 : 0;
    INFO("recipe " << name);
    CHECK(normal > exponentials.size() / 20);
    CHECK(normal < exponentials.size() * 9 / 10);
    CHECK(first_difference(run_fused(problem, load_recipe(name), with_threads(1)).tape, traced, 6) == "");
  }
}

TEST_CASE("where windows overlap a token's gradient has no negative zero: another window's zeros were added") {
  Config config = small_config(GENERATE(Mode::csa, Mode::hca));
  const std::size_t windows = GENERATE(std::size_t{1}, std::size_t{8});
  config.seq = windows * config.ratio;
  config.head_dim = 64;
  MakeOptions make;
  make.gate_sigma = 200;  // most weights are 0, and so is their product with a negative cotangent: -0
  const Problem problem = make_problem(config, make);
  const bool added = config.mode == Mode::csa && windows > 1;
  for (const std::string name : {"fp32", "hf", "fp64"}) {
    const Tape traced = run_traced(problem, load_recipe(name), with_threads(1)).tape;
    const Tape fused = run_fused(problem, load_recipe(name), with_threads(1)).tape;
    INFO("recipe " << name << ", " << windows << " windows, overlap " << config.overlap);
    CHECK(negative_zeros(traced, "grad.values") > 0);
    for (const std::string slot : {"grad.kv", "grad.biased"}) {
      INFO(slot);
      CHECK((negative_zeros(traced, slot) > 0) == !added);
    }
    CHECK(first_difference(fused, traced, 6) == "");
  }
}

TEST_CASE("a traced run has the same bits for 1, 2 and 3 threads", "[threads]") {
  for (const Example& example : examples()) {
    const Tape one = run_traced(example.problem, example.recipe, with_threads(1)).tape;
    for (const unsigned threads : {2U, 3U}) {
      INFO(example.name << ", " << threads << " threads");
      CHECK(first_difference(one, run_traced(example.problem, example.recipe, with_threads(threads)).tape, 30) == "");
    }
  }
}

TEST_CASE("packs of every SIMD level have the bits of scalars, for every recipe") {
  for (const Example& example : examples()) {
    RunOptions options;
    options.simd = "scalar";
    const Tape scalar = run_traced(example.problem, example.recipe, options).tape;
    for (const std::string& level : kernels::simd_levels()) {
      options.simd = level;
      INFO(example.name << ", level " << level);
      CHECK(first_difference(scalar, run_traced(example.problem, example.recipe, options).tape, 30) == "");
    }
  }
}

TEST_CASE("sums by BLAS over several blocks of tokens have the traced run's bits, for 1, 2 and 3 threads",
          "[threads]") {
  Config config = small_config(Mode::csa);
  config.ratio = GENERATE(std::size_t{4}, std::size_t{12});  // blocks of 2048 and of 3072 tokens
  config.seq = 6500;
  config.hidden = 16;
  config.head_dim = 8;
  const Problem problem = make_problem(config, {});
  REQUIRE(config.windows() > 2 * default_block_windows(config));
  for (const std::string name : {"fp32-blas", "fp32", "hf"}) {
    const Tape traced = run_traced(problem, load_recipe(name), with_threads(1)).tape;
    for (const unsigned threads : {1U, 2U, 3U}) {
      INFO("recipe " << name << ", ratio " << config.ratio << ", " << threads << " threads");
      CHECK(first_difference(run_fused(problem, load_recipe(name), with_threads(threads)).tape, traced, 6) == "");
    }
  }
}

TEST_CASE("a batch row run alone has the bits that it has among others, wherever no sum runs over the batch") {
  for (const Example& example : examples()) {
    if (Plan(example.recipe, example.problem.config).is_random()) continue;  // a draw belongs to its element's number
    const Tape together = run_traced(example.problem, example.recipe, {}).tape;
    for (std::size_t row = 0; row < example.problem.config.batch; ++row) {
      const Problem alone = batch_row(example.problem, row);
      const Tape own = tape_of_batch_row(together, example.problem.config, row);
      INFO(example.name << ", batch row " << row);
      CHECK(first_difference(own, run_traced(alone, example.recipe, {}).tape, 26) == "");
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
    std::get<ulpscope::io::Buffer<float>>(weights.data).writable().back() = 2;
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
