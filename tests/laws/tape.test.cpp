// SPDX-License-Identifier: Apache-2.0
// What a tape promises: every value is one of its slot's format, also where there is nothing to compute.
#include "precision/rounding.hpp"
#include "tests/laws/support/examples.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

/// The first slot that holds a value which its format does not have; "" if none.
std::string first_foreign_value(const Tape& tape) {
  for (const auto& [slot, record] : tape.records()) {
    for (std::size_t i = 0; i < record.tensor.size(); ++i) {
      const double value = record.tensor.at(i);
      if (value == value && precision::round(value, record.format) != value) {
        return to_string(slot) + " holds " + std::to_string(value) + " as " + record.format.name;
      }
    }
  }
  return "";
}

}  // namespace

TEST_CASE("every value on a tape is one of its slot's format, for every recipe") {
  for (const Example& example : examples()) {
    INFO(example.name);
    CHECK(first_foreign_value(run_traced(example.problem, example.recipe, {}).tape) == "");
  }
}

TEST_CASE("formats narrower than what flows in are kept too: maxima, online states, prior rows, skipped channels") {
  Config config = small_config(Mode::csa);
  config.quantize = Quantize{"e4m3fn", 8, 8};
  Problem problem = make_problem(config, {});
  add_prior(problem);
  for (const std::vector<std::string>& settings : {std::vector<std::string>{"softmax.compute=bf16"},
                                                   {"softmax=online_guarded", "default=bf16"},
                                                   {"softmax=online", "online.state=fp16", "online.tile=3"},
                                                   {"default=bf16"},
                                                   {"quantize.storage=bf16"},
                                                   {"pipeline=pad_first", "project_gate.storage=bf16"},
                                                   {"rope_table.storage=exact"},
                                                   {"rope_table.storage=fp64"}}) {
    const Recipe recipe = with_settings(load_recipe("fp32"), settings);
    INFO(settings.front());
    CHECK(first_foreign_value(run_traced(problem, recipe, {}).tape) == "");
  }
}

TEST_CASE("a problem without a window replays, slot by slot, to empty tensors and gradients of 0") {
  Config config = small_config(GENERATE(Mode::csa, Mode::hca));
  config.seq = GENERATE(std::size_t{0}, std::size_t{3});
  const Problem problem = make_problem(config, {});
  const Recipe recipe = load_recipe(GENERATE("hf", "fp64", "pr3810", "fp32-blas"));
  const Tape traced = run_traced(problem, recipe, {}).tape;
  std::vector<Slot> slots;
  for (const auto& [slot, record] : traced.records()) slots.push_back(slot);
  CHECK(first_difference(run_from(problem, recipe, {traced, slots}, {}).tape, traced, 30) == "");
  CHECK(first_difference(run_pinned(problem, recipe, traced, {}), traced, 30) == "");
  CHECK(traced.find(forward(Name::output))->tensor.size() == 0);
}

TEST_CASE("sums by BLAS agree with sums in order where a token has one feature") {
  Config config = small_config(Mode::hca);
  config.head_dim = 1;
  config.rope.reset();
  config.norm = false;  // of one channel it leaves a sign
  const Problem problem = make_problem(config, {});
  const Tape blas = run_traced(problem, load_recipe("fp32-blas"), {}).tape;
  const Tape exact = run_traced(problem, load_recipe("fp64"), {}).tape;
  for (const Slot slot : {gradient(Name::w_kv), gradient(Name::w_gate), gradient(Name::hidden)}) {
    const Tensor& truth = exact.find(slot)->tensor;
    double error = 0;
    double norm = 0;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      error += std::pow(blas.find(slot)->tensor.at(i) - truth.at(i), 2);
      norm += truth.at(i) * truth.at(i);
    }
    INFO(to_string(slot));
    CHECK(norm > 0);
    CHECK(error <= 1e-10 * norm);  // (1e-5)^2: a few hundred roundings of 2^-24
  }
}

TEST_CASE("an override of a slot that the recipe does not compute is refused by name") {
  RunOptions options;
  options.overrides[forward(Name::padded_gate)] = [](Tensor&) {};
  CHECK_THROWS_WITH(run_traced(small_problems().front().problem, load_recipe("fp32"), options),
                    Catch::Contains("padded_gate") && Catch::Contains("bias_first"));
}
