// SPDX-License-Identifier: Apache-2.0
// PR 3810's own list of tests, on our side: shapes, batch sizes, a sequence that does not divide, splitting and
// joining.
#include "core/io/tensor_file.hpp"
#include "tests/golden/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace ulpscope::compressor;
using namespace ulpscope::test;

namespace {

Config config_of(Mode mode, std::size_t batch, std::size_t hidden) {
  Config config = preset(mode == Mode::csa ? "small-csa" : "small-hca");
  config.batch = batch;
  config.seq = 256;
  config.hidden = hidden;
  config.head_dim = 32;
  return config;
}

}  // namespace

TEST_CASE("outputs have shape [B,n,d] and are finite for B = 1, 2, 16 and several widths") {
  for (const Mode mode : {Mode::csa, Mode::hca}) {
    for (const std::size_t batch : {std::size_t{1}, std::size_t{2}, std::size_t{16}}) {
      for (const std::size_t hidden : {std::size_t{16}, std::size_t{40}}) {
        const Config config = config_of(mode, batch, hidden);
        const Tape tape = run_fused(make_problem(config, {}), load_recipe("pr3810"), {}).tape;
        const Tensor& output = tape.find(forward(Name::output))->tensor;
        REQUIRE(output.shape == Shape{batch, 256 / config.ratio, 32});
        for (std::size_t i = 0; i < output.size(); ++i) REQUIRE(std::isfinite(output.at(i)));
        CHECK(tape.find(gradient(Name::hidden))->tensor.shape == Shape{batch, 256, hidden});
      }
    }
  }
}

TEST_CASE("a sequence of 257 is refused under remainder error, and cut under truncate and buffer") {
  Config config = config_of(Mode::csa, 1, 16);
  config.seq = 257;
  const Problem problem = make_problem(config, {});
  const Recipe strict = with_setting(load_recipe("pr3810"), "remainder=error");
  CHECK_THROWS_WITH(
      run_traced(problem, strict, {}),
      Catch::Matchers::Contains("seq 257 is not a multiple of ratio 4") && Catch::Matchers::Contains("truncate"));
  for (const char* policy : {"remainder=truncate", "remainder=buffer"}) {
    const Tape tape = run_traced(problem, with_setting(load_recipe("pr3810"), policy), {}).tape;
    CHECK(tape.find(forward(Name::output))->tensor.shape == Shape{1, 64, 32});
    const Tensor& hidden = tape.find(gradient(Name::hidden))->tensor;
    for (std::size_t k = 0; k < 16; ++k) CHECK(hidden.at(256 * 16 + k) == 0);
  }
}

TEST_CASE("fewer tokens than one window give an empty result") {
  Config config = config_of(Mode::hca, 2, 16);
  config.seq = 100;
  const Tape tape = run_traced(make_problem(config, {}), load_recipe("hf"), {}).tape;
  CHECK(tape.find(forward(Name::output))->tensor.shape == Shape{2, 0, 32});
  CHECK(tape.find(gradient(Name::w_kv))->tensor.at(0) == 0);
}

TEST_CASE("config and tensors survive splitting into files and joining, byte for byte") {
  const Problem problem = make_problem(config_of(Mode::csa, 2, 16), {});
  const TempDir folder;
  const ulpscope::io::TensorFile whole = problem_to_file(problem);
  ulpscope::io::TensorFile joined;
  joined.metadata = whole.metadata;
  for (const auto& [name, tensor] : whole.tensors) {  // one file per tensor, as a sharded state is kept
    ulpscope::io::TensorFile part;
    part.tensors[name] = tensor;
    ulpscope::io::write_tensors(folder.path() / (name + ".safetensors"), part);
    joined.tensors.merge(ulpscope::io::read_tensors(folder.path() / (name + ".safetensors")).tensors);
  }
  CHECK(problem_sha256(problem_from_file(joined, "joined")) == problem_sha256(problem));
  for (const auto& [name, tensor] : whole.tensors) CHECK(joined.tensors.at(name).bytes == tensor.bytes);
}

TEST_CASE("a problem has the same bytes for any number of threads, and another seed other bytes") {
  const Config config = config_of(Mode::csa, 2, 40);
  const auto drawn = [&](std::uint64_t seed, unsigned threads) {
    MakeOptions options;
    options.seed = seed;
    options.threads = threads;
    return problem_sha256(make_problem(config, options));
  };
  CHECK(drawn(7, 1) == drawn(7, 3));
  CHECK(drawn(7, 1) != drawn(8, 1));
}
