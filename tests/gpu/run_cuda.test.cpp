// SPDX-License-Identifier: Apache-2.0
// Backend cuda where it refuses: recipes that call the C library, machines without a device.
#include "gpu/run_cuda.hpp"

#include "core/io/error.hpp"
#include "gpu/device.hpp"
#include "gpu/errors.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

std::string refusal(const compressor::Recipe& recipe) {
  try {
    gpu::run_cuda(small_problems().front().problem, recipe, {});
  } catch (const InputError& error) {
    return error.what();
  } catch (const gpu::Unavailable& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("recipes that call the C library are refused in one sentence, before a device is looked for") {
  using compressor::load_recipe;
  CHECK(refusal(with_setting(load_recipe("fp32"), "softmax=log_softmax")) ==
        "backend cuda: recipe 'fp32+softmax=log_softmax' has softmax log_softmax, which calls the C library: no device "
        "has its bits; backend "
        "traced runs it");
  CHECK(refusal(with_setting(load_recipe("hf"), "softmax.exp=libm")).find("exp libm") != std::string::npos);
  const compressor::Recipe rest = with_setting(load_recipe("hf"), "softmax.exp=sleef_u10:16:libm");
  compressor::Config config = small_problems().front().problem.config;
  config.head_dim = 24;
  CHECK_THROWS_WITH(gpu::require_device_text(rest, config), Catch::Contains("exp libm"));
  config.head_dim = 32;
  CHECK_NOTHROW(gpu::require_device_text(rest, config));  // no channel takes it
}

TEST_CASE("fp64 has one exponential, ours: exp libm changes nothing and is not refused") {
  const compressor::Recipe recipe = with_setting(compressor::load_recipe("fp64"), "softmax.exp=libm");
  CHECK_NOTHROW(gpu::require_device_text(recipe, small_problems().front().problem.config));
}

TEST_CASE("every built-in recipe can run on a device") {
  for (const std::string& name : compressor::builtin_recipe_names()) {
    INFO(name);
    CHECK_NOTHROW(gpu::require_device_text(compressor::load_recipe(name), small_problems().front().problem.config));
  }
}

TEST_CASE("without a device the backend says why, else it runs") {
  const gpu::Availability& found = gpu::availability();
  const std::string said = refusal(compressor::load_recipe("fp32"));
  CHECK(said == (found.device ? "" : "backend cuda: " + found.why_not));
  CHECK(found.device.has_value() == found.why_not.empty());
}
