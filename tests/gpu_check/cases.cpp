// SPDX-License-Identifier: Apache-2.0
// Golden problems, unpacked; and problems drawn from counters.
#include "tests/gpu_check/cases.hpp"

#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "precision/random.hpp"
#include "tests/gpu_check/golden.hpp"
#include "tests/support/problems.hpp"

namespace ulpscope::gpu_check {
namespace {

using namespace compressor;

/// Problems are read from files: these are written to one, and read.
Problem unpacked(const Golden& golden) {
  const std::string name = "ulpscope-gpu-check-" + std::to_string(::getpid()) + ".safetensors";
  const std::filesystem::path path = std::filesystem::temp_directory_path() / name;
  std::ofstream(path, std::ios::binary) << golden.bytes;
  try {
    Problem problem = read_problem(path);
    std::filesystem::remove(path);
    problem.source = golden.name;
    return problem;
  } catch (...) {
    std::filesystem::remove(path);
    throw;
  }
}

class Draw {
 public:
  Draw(std::uint64_t seed, std::uint64_t problem) : seed_(seed), problem_(problem) {}
  /// In [low, high].
  std::size_t operator()(std::size_t low, std::size_t high) {
    return low + precision::random_bits({seed_, problem_, count_++}) % (high - low + 1);
  }
  bool one_of(std::size_t n) { return (*this)(1, n) == 1; }

 private:
  std::uint64_t seed_, problem_;
  std::uint64_t count_ = 0;
};

Config drawn_config(Draw& draw) {
  Config config;
  config.mode = draw.one_of(2) ? Mode::csa : Mode::hca;
  config.overlap = config.mode == Mode::csa;
  config.ratio = config.overlap ? 4 : draw.one_of(4) ? 128 : draw(5, 24);
  config.batch = draw(1, 4);
  config.seq = config.ratio * draw(1, 5) + draw(0, config.ratio - 1);
  config.hidden = 8 * draw(1, 6);
  config.head_dim = draw.one_of(3) ? 64 : 2 * draw(8, 30);
  if (!draw.one_of(4)) config.rope = Rope{8, 160000, Yarn{}, static_cast<std::int64_t>(draw(0, 1000))};
  if (config.head_dim == 64 && draw.one_of(2)) {
    config.hadamard = draw.one_of(2);
    config.quantize = draw.one_of(2) ? Quantize{"e4m3fn", 32, 0} : Quantize{"e2m1", 16, 16};
  }
  return config;
}

/// What a recipe may have besides its own: algorithms that few built-in recipes name, and stochastic rounding.
constexpr std::array settings{
    "default=bf16:sr",         "bias.storage=bf16:sr",       "normalize.compute=tf32:sr",
    "rotate.compute=bf16:sr",  "softmax.vjp=gy_minus_ys",    "softmax.vjp=autodiff:torch_div",
    "softmax=online",          "softmax=where_arg",          "softmax.exp=cuda",
    "pool.summation=pairwise", "normalize.vjp=autodiff:jax", "softmax.division=reciprocal",
    "project_kv.compute=tf32", "pool.summation=lanes:4",
};

Case drawn_case(std::uint64_t seed, std::uint64_t number) {
  Draw draw(seed, number);
  MakeOptions options;
  options.seed = draw(0, 1U << 30);
  Problem problem = make_problem(drawn_config(draw), options);
  problem.source = "drawn problem " + std::to_string(number) + " of seed " + std::to_string(seed);
  const std::vector<std::string> names = builtin_recipe_names();
  Recipe recipe = with_setting(load_recipe(names[number % names.size()]), "remainder=truncate");
  for (std::size_t more = draw(0, 3); more > 0; --more) {
    recipe = with_setting(recipe, settings[draw(0, settings.size() - 1)]);
  }
  if (draw.one_of(2)) test::add_prior(problem);
  if (draw.one_of(2)) {
    test::add_mask_and_segments(problem);
    recipe = test::with_settings(recipe, {"mask=pad", draw.one_of(2) ? "segments=strict" : "segments=previous_half"});
  }
  return {std::move(problem), std::move(recipe)};
}

}  // namespace

std::vector<Case> cases(std::uint64_t seed, std::uint64_t drawn) {
  std::vector<Case> all;
  for (const Golden& golden : golden_problems()) {
    for (const char* recipe : {"fp32", "hf", "maxtext"}) {
      all.push_back({unpacked(golden), with_setting(load_recipe(recipe), "remainder=truncate")});
    }
  }
  for (std::uint64_t i = 0; i < drawn; ++i) all.push_back(drawn_case(seed, i));
  return all;
}

}  // namespace ulpscope::gpu_check
