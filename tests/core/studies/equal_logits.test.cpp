// SPDX-License-Identifier: Apache-2.0
// Equal and almost equal logits in narrow formats: what weights round to, what sums and gradients lose, in exact
// figures.
#include <algorithm>
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

const std::vector<double>& hca_row() {
  static const std::vector<double> row = [] {
    std::vector<double> logits(128, 0.0);
    logits.back() = -11.0 / 16;
    return logits;
  }();
  return row;
}
const std::vector<double>& csa_row() {
  static const std::vector<double> row{0, 0, 0, 0, 0, 0, 0, -1.0 / 32};
  return row;
}

/// One channel; kv the same in every slot, weights of softmax in fp32 cast to `format`, the pool in it altogether.
Tape pooled_in(const std::string& format, const std::vector<double>& logits, const char* order = "sequential",
               double kv = 1.25) {
  WindowSpec spec;
  spec.tokens = logits.size();
  spec.front = Front::none;
  spec.gate = logits;
  spec.kv.assign(logits.size(), kv);
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

TEST_CASE("E4: 128 weights of 2^-7 in order: 1 in bf16 and fp16, and stuck at 16 and 8 of them in e4m3 and e5m2") {
  const std::vector<double> equal(128, 3.5);
  const auto sum = [&](const char* format) { return pooled(pooled_in(format, equal, "sequential", 1)); };
  CHECK(sum("fp32") == 1);
  CHECK(sum("bf16") == 1);
  CHECK(sum("fp16") == 1);
  CHECK(sum("e4m3fn") == 0.125);
  CHECK(sum("e5m2") == 0.0625);
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
  const Tape of_hca = pooled_in("bf16", hca_row());
  const Tape of_csa = pooled_in("bf16", csa_row());
  CHECK(ulpscope::precision::hex(weight(of_hca, 0), bf16) == "0x3C00");
  CHECK(ulpscope::precision::hex(weight(of_hca, 127), bf16) == "0x3B81");
  CHECK(sum_of_weights(of_hca) == 32641.0 / 32768);
  CHECK(ulpscope::precision::hex(weight(of_csa, 0), bf16) == "0x3E00");
  CHECK(ulpscope::precision::hex(weight(of_csa, 7), bf16) == "0x3DF9");
  CHECK(sum_of_weights(of_csa) == 2041.0 / 2048);
  CHECK(sum_of_weights(pooled_in("fp16", hca_row())) - 1 == 0x1p-17);
  CHECK(sum_of_weights(pooled_in("fp16", csa_row())) - 1 == 0x1p-14);
}

TEST_CASE("E6: a gate in bf16 makes 20.0625 and 19.9375 equal, however exact the softmax behind it") {
  WindowSpec spec;
  spec.tokens = 2;
  spec.front = Front::none;
  spec.gate = {20.0625, 19.9375};
  const auto first = [&](const Json& overlay) {
    const Recipe recipe = variant(load_recipe("fp32"), overlay);
    return weight(run(rounded(start_of(spec), recipe), recipe), 0);
  };
  const double exact = 0.53120937337375626;
  CHECK(std::fabs(first({{"default", "fp32"}}) - 0.531209409236908) <= 0x1p-24);
  CHECK(std::fabs(first({{"default", "fp64"}}) - exact) <= 0x1p-52);
  const double upcast = first(overlay_of({"bf16", "fp32"}));
  CHECK(upcast == 0.5);
  CHECK(std::fabs((upcast - exact) / exact + 5.875155e-2) <= 0.5e-8);
}

TEST_CASE("E12: constant kv has no gradient of the gate; what a rule makes of it instead") {
  struct Case {
    const std::vector<double>& logits;
    double computed, stored, delta;  ///< largest by y of fp32, by y of bf16; the sum by w g (v - o), o in bf16
  };
  for (const Case& at : {Case{csa_row(), 1.5e-8, 4.27e-4, 3.90625e-3}, Case{hca_row(), 4.7e-9, 3.03e-5, 3.90625e-3}}) {
    WindowSpec spec;
    spec.tokens = at.logits.size();
    spec.front = Front::none;
    spec.gate = at.logits;
    spec.kv.assign(at.logits.size(), 1.0);
    const auto largest = [&](const char* vjp, const char* saved) {
      Json overlay = overlay_of({"bf16", "fp32"});
      overlay["stages"]["softmax"]["vjp"] = vjp;
      overlay["stages"]["softmax"]["saved"] = saved;
      const Tape tape = run(start_of(spec), variant(load_recipe("fp32"), overlay));
      double most = 0;
      for (std::size_t r = 0; r < at.logits.size(); ++r)
        most = std::max(most, std::fabs(tensor_in(tape, gradient(Name::logits)).at(r)));
      return most;
    };
    INFO(at.logits.size() << " slots");
    for (const char* vjp : {"y_times_g_minus_s", "gy_minus_ys"}) {
      CHECK(largest(vjp, "computed") <= at.computed);
      CHECK(std::fabs(largest(vjp, "stored") / at.stored - 1) <= 2e-3);
    }
    const Tape tape = run(start_of(spec), variant(load_recipe("fp32"), overlay_of({"bf16", "fp32"})));
    CHECK(pooled(tape) == 0.99609375);
    double sum = 0;
    for (std::size_t r = 0; r < at.logits.size(); ++r)
      sum += tensor_in(tape, forward(Name::softmax)).at(r) * (1 - pooled(tape));
    CHECK(std::fabs(sum - at.delta) <= 1e-9);
  }
}
