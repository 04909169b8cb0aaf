// SPDX-License-Identifier: Apache-2.0
// Where weights become 0, to the last float: exponentials alone, and behind a division.
#include "core/studies/thresholds.hpp"

#include <bit>
#include <cmath>

#include "core/studies/windows.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope::studies;
using namespace ulpscope::compressor;
using ulpscope::precision::Exp;

namespace {

double zero_of(const char* format, Exp variant = Exp::correct) { return largest_zero(parse_upcast(format), variant); }

/// The largest float d at which a logit of d beside `others` zeros has a weight of 0.
float weight_vanishes_at(const char* format, std::size_t others) {
  const Recipe recipe = variant(load_recipe("fp32"), overlay_of(parse_upcast(format)));
  WindowSpec spec;
  spec.tokens = others + 1;
  spec.front = Front::none;
  spec.gate.assign(spec.tokens, 0.0);
  std::uint32_t above = std::bit_cast<std::uint32_t>(-1.0F);
  std::uint32_t at = std::bit_cast<std::uint32_t>(-200.0F);
  while (at - above > 1) {  // codes of negative floats grow with their magnitude
    const std::uint32_t middle = above + (at - above) / 2;
    Start start = start_of(spec);
    std::vector<double> logits(spec.tokens, 0.0);
    logits.back() = static_cast<double>(std::bit_cast<float>(middle));
    start.given.set(forward(Name::logits), {{1, 1, spec.tokens, 1}, logits, ulpscope::io::DType::f64},
                    ulpscope::precision::parse_format("fp32"));
    const bool vanishes = tensor_in(run(start, recipe), forward(Name::weights)).at(others) == 0;
    (vanishes ? at : above) = middle;
  }
  return std::bit_cast<float>(at);
}

}  // namespace

TEST_CASE("E3: the largest d whose exponential is 0, per exponential: run here, or modelled") {
  CHECK(zero_of("fp32") == -103.97208404541016);
  CHECK(zero_of("fp32", Exp::libm) == -103.97208404541016);
  CHECK(zero_of("fp32", Exp::cuda) == -103.97208404541016);
  CHECK(zero_of("fp32", Exp::cuda_fast) == -103.97207641601562);
  CHECK(zero_of("fp32:ftz", Exp::cuda_fast) == -87.33655548095703);
  CHECK(zero_of("fp32", Exp::xla_cpu) == -87.6831283569336);
  CHECK(zero_of("fp32:ftz", Exp::xla_cpu) ==
        -87.3365478515625);  // JAX 0.10.2 on a CPU: it flushes what exp gives above
  CHECK(origin_of(Exp::correct) == std::string("run"));
  for (const Exp modelled : {Exp::cuda, Exp::cuda_fast, Exp::xla_cpu, Exp::xla_ynn, Exp::sleef_u10})
    CHECK(origin_of(modelled) == std::string("modelled"));
}

TEST_CASE("E3: the largest d whose exponential is 0 once it is cast, and in the format itself") {
  CHECK(zero_of("bf16/fp32") == -92.8817138671875);
  CHECK(zero_of("fp16/fp32") == -17.32868003845215);
  CHECK(zero_of("e5m2/fp32") == -11.783502578735352);
  CHECK(zero_of("e4m3fn/fp32") == -6.931471824645996);
  CHECK(zero_of("e2m1/fp32") == -1.3862943649291992);
  CHECK(zero_of("bf16") == -93.0);
  CHECK(zero_of("fp16") == -17.34375);
  CHECK(zero_of("e5m2") == -12);
  CHECK(zero_of("e4m3fn") == -7);
}

TEST_CASE("theory has the thresholds of fp64, fp32, bf16, fp16, e5m2, e4m3 and e2m1, gradual and flushed") {
  const std::pair<const char*, double> thresholds[] = {
      {"fp64", -745.133219101941},     {"fp32", -103.972077083992},     {"bf16", -92.8817221950327},
      {"fp16", -17.3286795139986},     {"e5m2", -11.7835020695191},     {"e4m3fn", -6.93147180559945},
      {"e2m1", -1.38629436111989},     {"fp64:ftz", -708.396418532264}, {"fp32:ftz", -87.3365447505531},
      {"bf16:ftz", -87.3365447505531}, {"fp16:ftz", -9.70406052783923}};
  for (const auto& [format, limit] : thresholds) {
    INFO(format);
    CHECK(std::fabs(zero_in_theory({format, "fp64"}) - limit) <= 1e-12 * std::fabs(limit));
  }
  CHECK(zero_in_theory({"fp32", "fp32:ftz"}) == zero_in_theory({"fp32:ftz", "fp32"}));
}

TEST_CASE("a division by s moves the threshold up by ln s where exponentials are normal numbers") {
  for (const std::size_t others : {4U, 8U, 128U}) {
    for (const char* format : {"fp32:ftz", "bf16/fp32", "fp16/fp32", "e4m3fn/fp32"}) {
      INFO(format << ", s = " << others);
      const double alone = zero_in_theory(parse_upcast(format));
      const double moved = alone + std::log(others) - std::log1p(-std::exp(alone));  // its own exponential is part of s
      // A few roundings of w, each of 2^-24, and one float.
      CHECK(std::fabs(static_cast<double>(weight_vanishes_at(format, others)) - moved) <= 0x1p-16);
    }
  }
}

TEST_CASE("in fp32 it moves by more: below 2^-126 exponentials are multiples of 2^-149, and s / 2 of them make 0") {
  // exp(d) < (s / 2 + 1 / 2) 2^-149 is rounded to at most s / 2 of them, whose s-th part is at most half of one.
  const std::pair<std::size_t, double> moved[] = {{4, -102.36264}, {8, -101.77485}, {128, -99.11227}};
  for (const auto& [others, figure] : moved) {
    INFO("s = " << others);
    const double limit = std::log((static_cast<double>(others) + 1) / 2) - 149 * std::log(2.0);
    CHECK(std::fabs(limit - figure) <= 1e-5);
    CHECK(std::fabs(static_cast<double>(weight_vanishes_at("fp32", others)) - limit) <= 0x1p-16);
  }
}
