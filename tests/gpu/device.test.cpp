// SPDX-License-Identifier: Apache-2.0
// The law on a device: every slot has the host's bits; and a problem that is too large is told in a sentence.
#include "gpu/device.hpp"

#include <cstdlib>

#include "core/io/error.hpp"
#include "gpu/bit_law.hpp"
#include "gpu/rehearsal.hpp"
#include "gpu/run_cuda.hpp"
#include "tests/laws/support/examples.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

void require_device() {
  if (!gpu::availability().device) std::exit(77);
}

/// "" or where the device's bits first differ from the host's, and both values.
std::string difference(const Tape& host, const Example& example) {
  const gpu::LawResult law = gpu::compare_bits(host, gpu::run_cuda(example.problem, example.recipe, {}).tape);
  if (!law.first) return "";
  const gpu::Difference& first = *law.first;
  return first.slot + " at " + std::to_string(first.index) + ": " + std::to_string(first.host) + " and " +
         std::to_string(first.device);
}

}  // namespace

TEST_CASE("a device has the host's bits for every recipe and problem, and the same in a second run", "[gpu]") {
  require_device();
  for (const Example& example : examples()) {
    INFO(example.name);
    const Tape host = run_traced(example.problem, example.recipe, {}).tape;
    CHECK(difference(host, example) == "");
    CHECK(difference(host, example) == "");
  }
}

TEST_CASE("memory that a device cannot have is an input error, and the device still runs", "[gpu]") {
  require_device();
  CHECK_THROWS_AS(gpu::device_memory().allocate(std::size_t{1} << 60), InputError);
  const Example example = examples().front();
  CHECK(difference(run_traced(example.problem, example.recipe, {}).tape, example) == "");
}
