// SPDX-License-Identifier: Apache-2.0
// Exact stages asked element by element are the engine's: every slot, pads, masks, segments, prior rows, algorithms.
#include "core/judge/ledger_exact.hpp"

#include <cmath>
#include <numeric>

#include "tests/core/judge/asked.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Slot;

namespace {

double largest_finite(const compressor::Tensor& tensor) {
  double largest = 0;
  for (std::size_t i = 0; i < tensor.size(); ++i) {
    if (std::isfinite(tensor.at(i))) largest = std::max(largest, std::fabs(tensor.at(i)));
  }
  return largest;
}

/// The same class, and within what two orders of an fp64 sum of a few hundred terms may differ by.
bool agrees(double found, double engine, double scale) {
  if (!std::isfinite(engine)) return std::isnan(engine) ? std::isnan(found) : found == engine;
  return std::fabs(found - engine) <= 512 * 0x1p-53 * scale;
}

std::vector<double> exact_at(const judge::ExactStages& stages, Slot slot, const std::vector<std::size_t>& elements,
                             std::size_t size) {
  test::Asked asked(elements, size);
  stages.answer(slot, asked);
  CHECK(asked.is_answered());
  return asked.values();
}

/// How many of the elements, of all slots, are not the engine's.
std::size_t wrong_elements(const compressor::Problem& problem, const compressor::Recipe& recipe) {
  const auto tape = compressor::run_traced(problem, recipe, {}).tape;
  const judge::Replayer replayer(problem, recipe, tape, 1);
  const judge::ExactStages stages(problem, recipe, replayer, tape);
  std::size_t wrong = 0;
  for (const Slot slot : replayer.graph().order()) {
    if (slot == forward(Name::quantized)) continue;  // its exact value is what it reads
    const compressor::Tensor engine = replayer.exact(slot, replayer.reads_of(slot));
    std::vector<std::size_t> elements(engine.size());
    std::iota(elements.begin(), elements.end(), 0U);
    const std::vector<double> found = exact_at(stages, slot, elements, engine.size());
    const double scale = largest_finite(engine);
    for (const std::size_t i : elements) wrong += !agrees(found[i], engine.at(i), scale);
    INFO(compressor::to_string(slot));
    CHECK(wrong == 0);
    const std::vector<std::size_t> few{elements.size() / 3, elements.size() - 1};
    if (elements.size() < 200) continue;
    const std::vector<double> sparse = exact_at(stages, slot, few, engine.size());
    for (std::size_t k = 0; k < few.size(); ++k) wrong += !agrees(sparse[k], engine.at(few[k]), scale);
    CHECK(wrong == 0);
  }
  return wrong;
}

}  // namespace

TEST_CASE("every element of every exact stage is the engine's, on pads, masks, segments and prior rows") {
  for (const auto& [name, problem] : test::small_problems()) {
    for (const char* base : {"fp32", "hf", "pr3810", "maxtext-bf16", "fp16-pure"}) {
      for (const char* more : {"mask=ignore", "mask=pad", "segments=previous_half", "segments=strict"}) {
        INFO(name << ", " << base << ", " << more);
        const auto recipe = test::with_settings(compressor::load_recipe(base), {more, "pad.gate=-1e4"});
        CHECK(wrong_elements(problem, recipe) == 0);
      }
    }
  }
}

TEST_CASE("every element of every exact stage is the engine's, for every softmax and pad") {
  for (const auto& [name, problem] : test::small_problems()) {
    for (const char* softmax :
         {"naive", "online", "online_guarded", "log_softmax", "where_post", "double_where", "where_arg"}) {
      for (const char* pad : {"-inf", "-20", "exclude"}) {
        INFO(name << ", " << softmax << ", pads " << pad);
        const auto recipe = test::with_settings(
            compressor::load_recipe("fp32"),
            {std::string("softmax=") + softmax, std::string("pad.gate=") + pad, "mask=pad", "segments=strict"});
        CHECK(wrong_elements(problem, recipe) == 0);
      }
    }
  }
}

TEST_CASE("no exponential of a finite number is 0, and a quantiser's exact value is what it reads") {
  const auto problem = test::small_problems().back().problem;
  const auto recipe = test::with_settings(compressor::load_recipe("fp32"), {"pad.gate=-1e4"});
  const auto tape = compressor::run_traced(problem, recipe, {}).tape;
  const judge::Replayer replayer(problem, recipe, tape, 1);
  const judge::ExactStages stages(problem, recipe, replayer, tape);
  CHECK(tape.find(forward(Name::exp))->tensor.at(0) == 0);
  CHECK(exact_at(stages, forward(Name::exp), {0}, 1).front() > 0);
  CHECK(exact_at(stages, forward(Name::quantized), {5}, 6).front() == tape.find(forward(Name::hadamard))->tensor.at(5));
}

TEST_CASE("how far a product may be from its exact value bounds how far it is, by less than the sum's length") {
  for (const auto& [name, problem] : test::small_problems()) {
    for (const char* accumulate : {"fp32", "bf16", "fp16"}) {
      INFO(name << ", " << accumulate);
      const std::string format = accumulate;
      const auto recipe = test::with_settings(compressor::load_recipe("fp64"),
                                              {"project_kv.accumulate=" + format, "project_gate.accumulate=" + format,
                                               "project_kv.compute=exact", "project_gate.compute=exact"});
      const auto tape = compressor::run_traced(problem, recipe, {}).tape;
      const judge::Replayer replayer(problem, recipe, tape, 1);
      const judge::ExactStages stages(problem, recipe, replayer, tape);
      std::size_t products = 0;
      for (const Slot slot : replayer.graph().order()) {
        const auto bound = stages.product_error(slot);
        if (!bound) continue;
        ++products;
        INFO(compressor::to_string(slot));
        const compressor::Tensor exact = replayer.exact(slot, replayer.reads_of(slot));
        double error = 0;
        for (std::size_t i = 0; i < exact.size(); ++i)
          error = std::max(error, std::fabs(tape.find(slot)->tensor.at(i) - exact.at(i)));
        CHECK(error > 0);
        CHECK(error <= *bound);
        CHECK(*bound <= error * 64 * static_cast<double>(replayer.terms_of(slot)));
      }
      CHECK(products == 6);
    }
  }
}
