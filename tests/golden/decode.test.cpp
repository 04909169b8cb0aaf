// SPDX-License-Identifier: Apache-2.0
// Decode in chunks: our own single shot bit for bit, and Hugging Face's cache within fp32 rounding.
#include "core/compressor/decode.hpp"

#include "tests/golden/golden.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::compressor;
using namespace ulpscope::test;

TEST_CASE("entries of Hugging Face's decode are reproduced chunk by chunk") {
  for (const std::string name : {"csa-small", "hca-small"}) {
    const Problem problem = golden_problem(name);
    const ulpscope::io::TensorFile file = golden_file(name + ".hf-fp32-decode");
    const auto chunks = ulpscope::io::Json::parse(file.metadata.at("chunks")).get<std::vector<std::size_t>>();
    const Decoded decoded = run_chunks(problem, load_recipe("fp32"), chunks, {});
    for (std::size_t k = 0; k < decoded.entries.size(); ++k) {
      const std::string entry = std::string("entries.") + (k < 10 ? "0" : "") + std::to_string(k);
      INFO(name << " " << entry);
      REQUIRE(file.tensors.count(entry) == 1);
      const Tensor theirs = tensor_from_file(file.tensors.at(entry));
      REQUIRE(decoded.entries[k].shape == theirs.shape);
      if (theirs.size() == 0) continue;
      CHECK(relative_error(decoded.entries[k], theirs) <= 5e-6);
    }
  }
}

TEST_CASE("chunked entries are the single shot's, bit for bit") {
  for (const std::string name : {"csa-small", "hca-small", "csa-tiny"}) {
    const Problem problem = golden_problem(name);
    for (const std::string recipe : {"fp32", "hf", "pr3810", "vllm", "sglang-online-bf16"}) {
      const Recipe arithmetic = load_recipe(recipe);
      const Tensor whole = run_traced(problem, arithmetic, {}).tape.find(forward(Name::output))->tensor;
      for (const std::size_t size : {std::size_t{1}, std::size_t{3}, std::size_t{5}, std::size_t{130}}) {
        std::vector<std::size_t> chunks(problem.config.seq / size, size);
        if (problem.config.seq % size != 0) chunks.push_back(problem.config.seq % size);
        INFO(name << " recipe " << recipe << " chunks of " << size);
        const Decoded decoded = run_chunks(problem, arithmetic, chunks, {});
        CHECK(fraction_equal(decoded.entries.back(), whole) == 1);
        CHECK(decoded.state_kv.shape[1] == problem.config.seq % problem.config.ratio);
      }
    }
  }
}

TEST_CASE("chunks that do not fit the problem are refused") {
  const Problem problem = golden_problem("csa-tiny");
  CHECK_THROWS_WITH(run_chunks(problem, load_recipe("fp32"), {1, 2}, {}),
                    "chunks add up to 3, but the problem has seq 13");
  CHECK_THROWS_WITH(run_chunks(problem, with_setting(load_recipe("fp32"), "remainder=error"), {12, 1}, {}),
                    Catch::Matchers::Contains("seq 13 is not a multiple of ratio 4"));
}
