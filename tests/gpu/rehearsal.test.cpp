// SPDX-License-Identifier: Apache-2.0
// The device's kernels, run thread by thread on the host, have the bits of the host's own: every recipe, both modes,
// batches, remainders, masks, segments, prior windows, draws, NaN and infinities, and any grid.
#include "gpu/rehearsal.hpp"

#include <cmath>
#include <cstdlib>
#include <limits>

#include "core/compressor/run.hpp"
#include "gpu/bit_law.hpp"
#include "gpu/run_cuda.hpp"
#include "tests/laws/support/examples.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

void require_compiler() {
  if (gpu::rehearsal() == nullptr) std::exit(77);
}

/// "" or the first difference between the host and the rehearsal; at least `least` slots.
std::string law(const Problem& problem, const Recipe& recipe, std::size_t least) {
  const Run host = run_traced(problem, recipe, {});
  const Run rehearsed = gpu::run_rehearsed(problem, recipe, {});
  const gpu::LawResult result = gpu::compare_bits(host.tape, rehearsed.tape);
  if (result.first) return result.first->slot + " at " + std::to_string(result.first->index);
  return result.slots < least ? "only " + std::to_string(result.slots) + " slots" : "";
}

class Limits {
 public:
  explicit Limits(const gpu::GridLimits& limits) { gpu::rehearsal_limits() = limits; }
  Limits(const Limits&) = delete;
  Limits& operator=(const Limits&) = delete;
  ~Limits() { gpu::rehearsal_limits() = {}; }
};

/// Values that no sum survives, at places of several windows, batch rows and channels.
Problem with_hard_values(Problem problem) {
  const float endless = std::numeric_limits<float>::infinity();
  const std::vector<float> hard{endless, -endless, std::nanf(""), -0.0F, 3e38F, 1e-42F};
  for (const Name name : {Name::hidden, Name::ape, Name::cotangent}) {
    const auto values = std::get<io::Buffer<float>>(problem.inputs.at(name).data).writable();
    for (std::size_t i = 0; i < hard.size(); ++i) values[(i * 97 + 13) % values.size()] = hard[i];
  }
  return problem;
}

}  // namespace

TEST_CASE("rehearsed kernels have the host's bits for every recipe and problem", "[gpu]") {
  require_compiler();
  for (const Example& example : examples()) {
    INFO(example.name);
    CHECK(law(example.problem, example.recipe, 30) == "");
  }
}

TEST_CASE("rehearsed kernels have the host's bits for any grid", "[gpu]") {
  require_compiler();
  for (const gpu::GridLimits& limits : {gpu::GridLimits{1, 1, 1 << 20}, gpu::GridLimits{32, 3, 1 << 20},
                                        gpu::GridLimits{64, 1000, 40000}, gpu::GridLimits{256, 1000, 1 << 30}}) {
    const Limits set(limits);
    for (const SmallProblem& small : small_problems()) {
      for (const std::string name : {"hf", "fp64", "pr3810"}) {
        INFO(small.name << ", recipe " << name << ", " << limits.threads << " threads, " << limits.blocks << " blocks");
        CHECK(law(small.problem, load_recipe(name), 30) == "");
      }
    }
  }
}

TEST_CASE("rehearsed kernels have the host's NaN, infinities and zeros", "[gpu]") {
  require_compiler();
  for (const SmallProblem& small : small_problems()) {
    const Problem problem = with_hard_values(small.problem);
    for (const std::string& name : builtin_recipe_names()) {
      INFO(small.name << ", recipe " << name);
      CHECK(law(problem, load_recipe(name), 30) == "");
    }
  }
}

TEST_CASE("rehearsed kernels have the host's bits for recipe hf at every width, full vectors or not", "[gpu]") {
  require_compiler();
  for (const std::size_t head_dim : {2, 8, 14, 16, 24, 32, 50, 64, 90}) {
    for (const Mode mode : {Mode::csa, Mode::hca}) {
      Config config = small_problems().front().problem.config;
      config.mode = mode;
      config.overlap = mode == Mode::csa;
      config.head_dim = head_dim;
      config.rope = Rope{2, 160000, Yarn{}, 3};
      for (const std::string name : {"hf", "hf-fp32"}) {
        INFO(name << ", width " << head_dim << ", overlap " << config.overlap);
        CHECK(law(make_problem(config, {}), load_recipe(name), 30) == "");
      }
    }
  }
}

TEST_CASE("rehearsed kernels have the host's bits for every softmax, order of sums, exponential and VJP", "[gpu]") {
  require_compiler();
  const Problem problem = small_problems()[1].problem;
  const std::vector<std::string> settings{"softmax=naive",
                                          "softmax=online",
                                          "softmax=online_guarded",
                                          "softmax=where_post",
                                          "softmax=double_where",
                                          "softmax=where_arg",
                                          "pool.summation=pairwise",
                                          "pool.summation=kahan",
                                          "pool.summation=blocked:3,2",
                                          "pool.summation=lanes:4",
                                          "pool.summation=tensor_core:25,4",
                                          "pool.summation=exact",
                                          "pool.summation=cascade:4",
                                          "pool.summation=torch_rows:8",
                                          "normalize.summation=torch_channels",
                                          "project_kv.summation=torch_rows:8",
                                          "softmax.exp=sleef_u10",
                                          "softmax.exp=xla_cpu",
                                          "softmax.exp=xla_ynn",
                                          "softmax.exp=fast",
                                          "softmax.exp=glibc",
                                          "softmax.exp=xla_cpu:16:cuda",
                                          "softmax.exp=cuda",
                                          "softmax.exp=cuda_fast",
                                          "project_kv.summation=pairwise",
                                          "project_kv.summation=tensor_core:25,16",
                                          "normalize.vjp=autodiff:torch",
                                          "normalize.vjp=autodiff:jax",
                                          "softmax.vjp=autodiff:jax_div",
                                          "softmax.vjp=autodiff:torch_div",
                                          "softmax.vjp=autodiff:torch_two_exp"};
  for (const std::string base : {"hf", "fp32", "fp64"}) {
    for (const std::string& setting : settings) {
      INFO("recipe " << base << ", " << setting);
      CHECK(law(problem, with_settings(load_recipe(base), {"mask=pad", setting}), 28) == "");
    }
  }
}
