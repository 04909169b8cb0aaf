// SPDX-License-Identifier: Apache-2.0
// What finite pads weigh, to the last float: the first window of CSA, 4 pads and 4 equal tokens, in exact figures.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/compressor/run.hpp"
#include "core/studies/windows.hpp"
#include "precision/elementary.hpp"
#include "precision/ulp.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::compressor;
using namespace ulpscope::studies;
using ulpscope::io::Json;
using ulpscope::precision::parse_format;
using ulpscope::precision::ulp_distance;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// 4 tokens with one logit beside 4 pads, no bias.
class EqualTokens {
 public:
  explicit EqualTokens(Recipe recipe) : recipe_(std::move(recipe)) {}
  /// The weight of each of the 4 pads.
  double pad_weight(double token) const { return weight_of(token, 0); }
  double token_weight(double token) const { return weight_of(token, 7); }

 private:
  double weight_of(double token, std::size_t slot) const {
    WindowSpec spec;
    spec.gate.assign(4, token);
    return tensor_in(run(rounded(start_of(spec), recipe_), recipe_), forward(Name::weights)).at(slot);
  }
  Recipe recipe_;
};

Recipe recipe_with(const Json& overlay) { return variant(load_recipe("fp32"), overlay); }
const Json pad_1e4{{"gate", "-1e4"}};

/// 4 pads at -1e4 in fp32, the weights cast to a format.
EqualTokens cast_to(const std::string& format) {
  return EqualTokens(recipe_with({{"pad", pad_1e4}, {"stages", {{"softmax", {{"storage", format}}}}}}));
}

}  // namespace

TEST_CASE("E2: pads of -1e4 beside tokens of -9990 take 4.54e-5 of a row in fp32") {
  const EqualTokens fp32(recipe_with({{"pad", pad_1e4}}));
  const double weight = fp32.pad_weight(-9990);
  CHECK(ulp_distance(weight, 0x1.7cd32ep-17, parse_format("fp32")) <= 1);
  CHECK(std::fabs(4 * weight - 4.5397868234e-05) <= 0.5e-14);
}

TEST_CASE("E2: the first token's logit beside which a pad of -1e4 weighs exactly 0, per format of the weights") {
  const double step = 0x1p-10;  // of fp32 at 1e4
  const EqualTokens fp32(recipe_with({{"pad", pad_1e4}}));
  CHECK(fp32.pad_weight(-9897.63671875) == 0);
  CHECK(fp32.pad_weight(-9897.63671875 - step) == 0x1p-149);
  const EqualTokens flushed(recipe_with({{"pad", pad_1e4}, {"default", "fp32:ftz"}}));
  CHECK(flushed.pad_weight(-9914.048828125) == 0);
  CHECK(flushed.pad_weight(-9914.048828125 - step) >= 0x1p-126);
  const std::pair<const char*, double> casts[] = {
      {"bf16", -9908.50390625}, {"fp16", -9984.056640625}, {"e5m2", -9989.6025390625}, {"e4m3fn", -9994.4580078125}};
  for (const auto& [format, logit] : casts) {
    INFO(format);
    CHECK(cast_to(format).pad_weight(logit) == 0);
    CHECK(cast_to(format).pad_weight(logit - step) == ulpscope::precision::min_subnormal(parse_format(format)));
  }
}

TEST_CASE("E2: in bf16 -1e4 and -9990 are one number, and half of the row leaks; only the pad in bf16, and it wins") {
  const EqualTokens bf16(recipe_with({{"pad", pad_1e4}, {"default", "bf16"}}));
  CHECK(bf16.pad_weight(-9990) == 0.125);
  CHECK(bf16.token_weight(-9990) == 0.125);
  const EqualTokens pad_in_bf16(recipe_with({{"pad", {{"gate", "-1e4"}, {"format", "bf16"}}}}));
  const double bound = (std::log(8) + 8 + 2) * 0x1p-24;  // of a weight at the maximum: core/compressor/rows/softmax.md
  CHECK(std::fabs(4 * pad_in_bf16.pad_weight(-9990) / 0.99752737684 - 1) <= bound);
}

TEST_CASE("A bias on a pad vanishes below half a spacing, and can make it infinite") {
  struct Sum {
    const char* format;
    const char* pad;
    double ape, logit;
  };
  const double fp32_mask = static_cast<double>(-0.7F * std::numeric_limits<float>::max());
  const Sum sums[] = {{"bf16", "-1e4", 32, -9984},
                      {"bf16", "-1e4", -32, -9984},
                      {"bf16", "-1e4", 33, -9920},
                      {"fp32", "-1e4", 0x1p-11, -1e4},
                      {"fp32", "-1e4", 0x1.8p-11, -1e4 + 0x1p-10},
                      {"fp16", "-65504", -15, -65504},
                      {"fp16", "-65504", -16, -infinity},
                      {"fp32", "-2.381976426469702e38", fp32_mask, -infinity},
                      {"bf16", "-2.381976426469702e38", fp32_mask, -infinity}};
  for (const Sum& sum : sums) {
    INFO(sum.format << " " << sum.pad << " + " << sum.ape);
    WindowSpec spec;
    spec.gate.assign(4, 0);
    spec.ape.assign(8, sum.ape);
    const Recipe recipe =
        recipe_with({{"pad", {{"gate", sum.pad}}}, {"default", sum.format}, {"pipeline", "pad_first"}});
    CHECK(tensor_in(run(start_of(spec), recipe), forward(Name::logits)).at(0) == sum.logit);
  }
}

TEST_CASE("Every pad that is safe by the rule weighs exactly 0 beside logits of at most X, one step above it may not") {
  const std::pair<const char*, double> gaps[] = {{"fp32", 103.98}, {"bf16", 92.89}, {"fp16", 17.33}, {"e4m3fn", 6.94}};
  for (const auto& [format, gap] : gaps) {
    for (const double bound : {1.0, 100.0, 400.0}) {
      INFO(format << " " << bound);
      const auto weight = [&, name = format](double pad) {
        const Json overlay{{"pad", {{"gate", fmt::format("{}", pad)}}}, {"stages", {{"softmax", {{"storage", name}}}}}};
        return EqualTokens(recipe_with(overlay)).pad_weight(-bound);
      };
      CHECK(weight(-bound - gap) == 0);
      // The denominator of 4 equal tokens moves it by ln 4; a quarter of 2^-149 or 2^-148 is 0 too.
      CHECK(weight(-bound - gap + std::log(4) + 0.3) > 0);
    }
  }
}

namespace {

/// 32 channels that share a scale, and 32 more that do not, quantised in a format by the engine: its scale,
/// 2^ceil(log2(amax / max)), is here the one of OCP MX, 2^(floor(log2 amax) - emax).
std::vector<double> quantised(const char* format, const std::vector<double>& block) {
  Config config;
  config.ratio = config.seq = 4;
  config.hidden = 1;
  config.head_dim = 64;
  config.quantize = Quantize{format, 32, 0};
  std::vector<double> values(64, 1.0);
  std::copy(block.begin(), block.end(), values.begin());
  Tape given;
  given.set(forward(Name::normed), {{1, 1, 64}, values, ulpscope::io::DType::f64}, parse_format("fp32"));
  const Slot slot = forward(Name::quantized);
  return to_doubles(
      run_from(make_problem(config, {}), load_recipe("fp32"), {given, {slot}}, {}).tape.find(slot)->tensor);
}

}  // namespace

TEST_CASE("A pad of -1e4 poisons a block that is scaled by it: small logits become 0") {
  const std::pair<const char*, double> largest_that_vanishes[] = {
      {"e4m3fn", 0.03125}, {"e2m1", 512}, {"e2m3", 128}, {"e3m2", 16}};
  for (const auto& [format, logit] : largest_that_vanishes) {
    INFO(format);
    const std::vector<double> out = quantised(format, {-1e4, logit, logit * (1 + 0x1p-20), -logit});
    CHECK(out[0] <= -8192);
    CHECK(out[1] == 0);
    CHECK(out[2] == 2 * logit);
    CHECK(out[3] == 0);
    CHECK(out[32] == 1);
  }
}

TEST_CASE("A pad of -inf makes NaN of all its block, and of no other") {
  for (const char* format : {"e4m3fn", "e2m1"}) {
    INFO(format);
    const std::vector<double> out = quantised(format, {-infinity, 0.5});
    for (std::size_t c = 0; c < 32; ++c) CHECK(std::isnan(out[c]));
    for (std::size_t c = 32; c < 64; ++c) CHECK(out[c] == 1);
  }
}

TEST_CASE("A softmax without division, exp(x - lse), inherits the rounding of lse; ours subtracts the maximum first") {
  WindowSpec spec;
  spec.tokens = 2;
  spec.front = Front::none;
  spec.gate = {10000, 10000.5};
  const double exact = 1 / (1 + std::exp(-0.5));
  const auto heavier = [&](const char* softmax) {
    return tensor_in(run(start_of(spec), recipe_with({{"softmax", softmax}})), forward(Name::weights)).at(1);
  };
  const Tape tape = run(start_of(spec), recipe_with({{"softmax", "log_softmax"}}));
  const auto maximum = static_cast<float>(tensor_in(tape, forward(Name::row_max)).at(0));
  const auto log_total = static_cast<float>(tensor_in(tape, forward(Name::log_denominator)).at(0));
  const float lse = maximum + log_total;
  CHECK(lse == 10000.97363F);
  const float weight = ulpscope::precision::exp_fp32(10000.5F - lse, ulpscope::precision::Exp::correct);
  CHECK(weight == 0.622735858F);
  CHECK(std::fabs(weight / exact - 1 - 4.442e-4) <= 0.5e-7);
  CHECK(heavier("shifted") == static_cast<double>(0.622459352F));
  CHECK(std::fabs(heavier("log_softmax") / exact - 1) <= 4 * 0x1p-24);
}
