// SPDX-License-Identifier: Apache-2.0
// Equal and almost equal logits in narrow formats: what weights round to, what their sums lose, in exact figures.
#include <cmath>
#include <vector>

#include "core/studies/upcast.hpp"
#include "core/studies/windows.hpp"
#include "precision/ulp.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::compressor;
using namespace ulpscope::studies;
using ulpscope::io::Json;

namespace {

/// One channel; kv the same in every slot, weights of softmax in fp32 cast to `format`, the pool in it altogether.
Tape pooled_in(const std::string& format, const std::vector<double>& logits, const char* order = "sequential") {
  WindowSpec spec;
  spec.tokens = logits.size();
  spec.front = Front::none;
  spec.gate = logits;
  spec.kv.assign(logits.size(), 1.25);
  Json overlay = overlay_of({format, "fp32"});
  overlay["stages"]["project_gate"]["storage"] = "fp32";
  overlay["stages"]["pool"] = {{"accumulate", format}, {"storage", format}, {"summation", order}};
  const Recipe recipe = variant(load_recipe("fp32"), overlay);
  return run(rounded(start_of(spec), recipe), recipe);
}

double weight(const Tape& tape, std::size_t slot) { return tensor_in(tape, forward(Name::weights)).at(slot); }
double pooled(const Tape& tape) { return tensor_in(tape, forward(Name::pooled)).at(0); }

double sum_of_weights(const Tape& tape) {
  const Tensor& weights = tensor_in(tape, forward(Name::weights));
  double sum = 0;  // exact: few bits each
  for (std::size_t r = 0; r < weights.size(); ++r) sum += weights.at(r);
  return sum;
}

}  // namespace

TEST_CASE("E4: 128 equal logits weigh 2^-7 exactly in every format that has it, and nothing in e2m1") {
  const std::vector<double> equal(128, 3.5);
  for (const char* format : {"fp32", "bf16", "fp16", "e4m3fn", "e5m2"}) {
    INFO(format);
    const Tape tape = pooled_in(format, equal);
    CHECK(weight(tape, 0) == 0x1p-7);
    CHECK(weight(tape, 127) == 0x1p-7);
  }
  CHECK(weight(pooled_in("e2m1", equal), 0) == 0);
}

TEST_CASE("E4: 128 products of 2^-7 and 1.25 in order, in pairs and in chunks of 16") {
  const std::vector<double> equal(128, 3.5);
  CHECK(pooled(pooled_in("bf16", equal)) == 1.1015625);
  CHECK(pooled(pooled_in("bf16", equal, "pairwise")) == 1.25);
  CHECK(pooled(pooled_in("bf16", equal, "blocked:16")) == 1.25);
  CHECK(pooled(pooled_in("fp16", equal)) == 1.25);
  CHECK(pooled(pooled_in("fp32", equal)) == 1.25);
  CHECK(pooled(pooled_in("e4m3fn", equal)) == 0.25);
}

TEST_CASE("E5: the rows whose cast weights are furthest from a sum of 1") {
  const auto bf16 = ulpscope::precision::parse_format("bf16");
  std::vector<double> hca(128, 0.0);
  hca.back() = -11.0 / 16;
  std::vector<double> csa(8, 0.0);
  csa.back() = -1.0 / 32;
  const Tape of_hca = pooled_in("bf16", hca);
  const Tape of_csa = pooled_in("bf16", csa);
  CHECK(ulpscope::precision::hex(weight(of_hca, 0), bf16) == "0x3C00");
  CHECK(ulpscope::precision::hex(weight(of_hca, 127), bf16) == "0x3B81");
  CHECK(sum_of_weights(of_hca) == 32641.0 / 32768);
  CHECK(ulpscope::precision::hex(weight(of_csa, 0), bf16) == "0x3E00");
  CHECK(ulpscope::precision::hex(weight(of_csa, 7), bf16) == "0x3DF9");
  CHECK(sum_of_weights(of_csa) == 2041.0 / 2048);
  CHECK(sum_of_weights(pooled_in("fp16", hca)) - 1 == 0x1p-17);
  CHECK(sum_of_weights(pooled_in("fp16", csa)) - 1 == 0x1p-14);
}
