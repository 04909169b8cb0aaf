// SPDX-License-Identifier: Apache-2.0
// The ledger by hand: windows of a few slots in which one mechanism acts, and the published figures.
#include "core/judge/ledger.hpp"

#include <cmath>

#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Slot;
using judge::Effect;
using judge::LedgerLine;
using judge::Mechanism;

namespace {

compressor::Tensor tensor(const compressor::Shape& shape, std::vector<float> values) {
  return {shape, std::move(values), io::DType::f32};
}

/// One window whose gate and kv are given, the same in both channels: hidden is the identity, so that a projection
/// copies its weights.
struct Window {
  std::vector<float> gate;     ///< a value per token
  std::vector<float> kv = {};  ///< likewise; empty: ones
  float ape = 0;
  bool overlap = false;  ///< the tokens are the second half of a window whose first half is pads
};

compressor::Problem problem_of(const Window& window) {
  const std::size_t n = window.gate.size();
  compressor::Problem problem;
  compressor::Config& config = problem.config;
  config.mode = window.overlap ? compressor::Mode::csa : compressor::Mode::hca;
  config.overlap = window.overlap;
  config.ratio = config.seq = config.hidden = n;
  config.head_dim = 2;
  const std::size_t features = config.features();
  std::vector<float> identity(n * n);
  for (std::size_t t = 0; t < n; ++t) identity[t * n + t] = 1;
  const std::vector<float> values = window.kv.empty() ? std::vector<float>(n, 1) : window.kv;
  std::vector<float> gate, kv;
  for (std::size_t f = 0; f < features; ++f) {
    gate.insert(gate.end(), window.gate.begin(), window.gate.end());
    kv.insert(kv.end(), values.begin(), values.end());
  }
  problem.inputs[Name::hidden] = tensor({1, n, n}, identity);
  problem.inputs[Name::w_gate] = tensor({features, n}, gate);
  problem.inputs[Name::w_kv] = tensor({features, n}, kv);
  problem.inputs[Name::ape] = tensor({n, features}, std::vector<float>(n * features, window.ape));
  problem.inputs[Name::gamma] = tensor({2}, {1, 1});
  problem.inputs[Name::cotangent] = tensor({1, 1, 2}, {1, -0.5});
  problem.source = "by hand";
  return problem;
}

using Settings = std::vector<std::string>;

struct Kept {
  std::vector<LedgerLine> lines;
  const LedgerLine& at(Slot slot) const {
    for (const LedgerLine& line : lines) {
      if (line.slot == slot) return line;
    }
    throw std::runtime_error("no line of " + compressor::to_string(slot));
  }
  const LedgerLine& at(Name name) const { return at(forward(name)); }
};

/// Our own run, through the report's door.
Kept kept(const compressor::Problem& problem, const compressor::Recipe& recipe) {
  const auto run = compressor::run_traced(problem, recipe, {});
  return {judge::measure_run(problem, run, test::truth_of(problem, recipe), 1).underflow};
}
Kept kept(const Window& window, const Settings& settings) {
  return kept(problem_of(window), test::with_settings(compressor::load_recipe("fp32"), settings));
}

std::uint64_t count_of(const LedgerLine& line, Mechanism mechanism, Effect effect = Effect::zero) {
  for (const judge::Cause& cause : line.causes) {
    if (cause.mechanism == mechanism && cause.effect == effect) return cause.count;
  }
  return 0;
}

/// In both channels: `count` zeros, all by this mechanism.
void check_zeros(const LedgerLine& line, Mechanism mechanism, std::uint64_t count) {
  INFO(compressor::to_string(line.slot) << " by " << to_string(mechanism));
  CHECK(line.became_zero == 2 * count);
  CHECK(count_of(line, mechanism) == 2 * count);
}

}  // namespace

TEST_CASE("exp of a number that is too low gives 0 or a subnormal number, and what follows only inherits the 0") {
  const Kept ledger = kept({{0, -100, -104}}, {});
  check_zeros(ledger.at(Name::exp), Mechanism::exponential, 1);
  CHECK(ledger.at(Name::exp).subnormal == 2);
  CHECK(count_of(ledger.at(Name::exp), Mechanism::exponential, Effect::subnormal) == 2);
  for (const Name name : {Name::softmax, Name::weights, Name::products}) {
    CHECK(ledger.at(name).zero == 2);
    CHECK(ledger.at(name).became_zero == 0U);
  }
  CHECK(ledger.at(Name::weights).underflowed == 2);
  const auto& exp = ledger.at(Name::exp).exp;
  REQUIRE(exp);
  CHECK(exp->lowest == -104);
  CHECK_THAT(exp->zero_below, Catch::Matchers::WithinRel(-103.972077083992, 1e-14));
  const auto library = kept({{0, -90}}, {"softmax.exp=xla_cpu"}).at(Name::exp);
  check_zeros(library, Mechanism::exponential, 1);  // XLA:CPU's vector exp is 0 where the format has a number
  CHECK(library.exp->zero_below == -0x1.5ebb86p+6);
}

TEST_CASE("the cast of the weights loses what the softmax held, in each format at its own point") {
  const std::pair<const char*, float> cases[] = {{"bf16", -93}, {"fp16", -17.5F}, {"e4m3fn", -7}, {"e2m1", -1.5F}};
  for (const auto& [format, logit] : cases) {
    INFO(format);
    const Kept ledger = kept({{0, logit}}, {std::string("softmax.storage=") + format});
    check_zeros(ledger.at(Name::weights), Mechanism::storage, 1);
    CHECK(ledger.at(Name::softmax).zero == 0);
    const auto& mass = ledger.at(Name::weights).mass;
    REQUIRE(mass);
    const double held = std::exp(static_cast<double>(logit)) / (1 + std::exp(static_cast<double>(logit)));
    CHECK_THAT(mass->flushed, Catch::Matchers::WithinRel(held, 1e-14));
    CHECK(mass->flushed_at.place == "window 0, channel 0");
  }
}

TEST_CASE("a quotient underflows where exp did not") {
  const Kept ledger = kept({{0, 0, 0, -103.5F}}, {});  // exp gives 2^-149, a third of which is below its half
  CHECK(ledger.at(Name::exp).zero == 0);
  check_zeros(ledger.at(Name::softmax), Mechanism::division, 1);
}

TEST_CASE("a product underflows in fp16, forward and backward") {
  const Kept ledger = kept({{0, -8.25F}, {1, 0x1p-14F}}, {"default=fp16"});
  check_zeros(ledger.at(Name::products), Mechanism::product, 1);
  CHECK(ledger.at(Name::weights).zero == 0);
  const Kept backward = kept({{0, -15}, {1, 1.0625F}}, {"default=fp16"});
  const LedgerLine& line = backward.at(gradient(Name::logits));
  CHECK(line.became_zero.value() > 0);
  CHECK(count_of(line, Mechanism::product) + count_of(line, Mechanism::cancellation) == line.became_zero);
  CHECK(line.lost_here > 0);
}

TEST_CASE("a format that flushes gives 0 where it has a subnormal number") {
  const Kept gradual = kept({{0, -88}}, {});
  CHECK(gradual.at(Name::exp).zero == 0);
  CHECK(gradual.at(Name::exp).subnormal == 2);
  const Kept ledger = kept({{0, -88}}, {"default=fp32:ftz"});
  check_zeros(ledger.at(Name::exp), Mechanism::flush, 1);
  CHECK(ledger.at(Name::exp).flushed == 2);
  CHECK(ledger.at(Name::softmax).flushed == 0);
}

TEST_CASE("a format that saturates clamps, and only what is beyond its largest number") {
  const Kept ledger = kept({{1000, 448, 3}}, {"project_gate.storage=e4m3fn:sat"});
  CHECK(ledger.at(Name::gate).saturated == 2);
  CHECK(count_of(ledger.at(Name::gate), Mechanism::saturation, Effect::clamped) == 2);
}

TEST_CASE("a bias below half a place of the gate is absorbed; above it, it loses the bits below the sum's last place") {
  const Settings bf16{"bias.compute=bf16", "bias.storage=bf16"};
  Window window{{20, 16}};
  window.ape = 0.03F;  // half a place is 0.0625
  const LedgerLine absorbed = kept(window, bf16).at(Name::biased);
  CHECK(absorbed.absorbed == 4);
  CHECK(count_of(absorbed, Mechanism::absorption, Effect::absorbed) == 4);
  REQUIRE(absorbed.bias);
  CHECK(absorbed.bias->precision == 24);
  CHECK(absorbed.bias->bits_lost == 24);
  window.ape = 0.3F;  // last places: 2^-25 of the bias, 2^-3 of 20.25 and 16.25
  const LedgerLine rounded = kept(window, bf16).at(Name::biased);
  CHECK(rounded.absorbed == 0);
  CHECK(rounded.bias->bits_lost == 22);
  CHECK(rounded.bias->lost == std::vector<double>{22, 22});
  CHECK(kept(window, {}).at(Name::biased).bias->bits_lost == 6);  // fp32's last place at 20.3 is 2^-19
}

TEST_CASE("in pad_first the bias is added to the logits, and pads do not count") {
  Window window{{20, 16}};
  window.overlap = true;
  window.ape = 0.3F;
  const Kept ledger = kept(window, {"pipeline=pad_first", "pad.gate=-1e4", "bias.compute=bf16", "bias.storage=bf16"});
  const LedgerLine& logits = ledger.at(Name::logits);
  REQUIRE(logits.bias);
  CHECK(logits.bias->count == 4);
  CHECK(logits.bias->bits_lost == 22);
  CHECK(std::isnan(logits.bias->lost[0]));  // the first half of the features stands in pads only
  CHECK(logits.bias->lost[3] == 22);
  CHECK(logits.absorbed == 0);
}

TEST_CASE("a block's scale brings its small elements to 0") {
  compressor::Problem problem = problem_of({{0, 0}});
  problem.config.norm = false;
  problem.config.quantize = compressor::Quantize{"e2m1", 2, 0};
  problem.inputs[Name::w_kv] = tensor({2, 2}, {1, 1, 0.01F, 0.01F});
  const LedgerLine line = kept(problem, compressor::load_recipe("fp32")).at(Name::quantized);
  CHECK(line.became_zero == 1U);
  CHECK(count_of(line, Mechanism::quantize) == 1);
}

TEST_CASE("128 equal weights vanish in e2m1 with all their mass, and are exact in e4m3fn (E4)") {
  Window window;
  window.gate.assign(128, 0.5F);
  window.kv.assign(128, 1.25F);
  const Kept lost = kept(window, {"softmax.storage=e2m1"});
  check_zeros(lost.at(Name::weights), Mechanism::storage, 128);
  CHECK(lost.at(Name::weights).mass->lost == 1);
  CHECK(lost.at(Name::weights).mass->before_cast == 0);
  CHECK(lost.at(Name::weights).mass->flushed == 1);
  const auto& pooled = lost.at(Name::pooled).pooled;
  REQUIRE(pooled);
  CHECK(pooled->rms_rel == 1);
  CHECK(pooled->share == 1);
  CHECK(lost.at(Name::pooled).became_zero == 0U);
  const Kept exact = kept(window, {"softmax.storage=e4m3fn"});
  CHECK(exact.at(Name::weights).zero == 0);
  CHECK(exact.at(Name::weights).mass->lost == 0);
}

TEST_CASE("the published rows miss 1 by exactly -127 * 2^-15 and -7 * 2^-11 in bf16 (E5)") {
  Window hca;
  hca.gate.assign(128, 0);
  hca.gate.back() = -0.6875F;
  CHECK(kept(hca, {"softmax.storage=bf16"}).at(Name::weights).mass->lost == 127 * 0x1p-15);
  Window csa;
  csa.gate.assign(8, 0);
  csa.gate.back() = -0.03125F;
  CHECK(kept(csa, {"softmax.storage=bf16"}).at(Name::weights).mass->lost == 7 * 0x1p-11);
}

TEST_CASE("pads of -1e4 beside logits of -9990 hold 4.5397868234e-05, and stand 10 below the maximum (E2)") {
  Window window{std::vector<float>(4, -9990)};
  window.overlap = true;
  const Settings pads{"pipeline=pad_first", "pad.gate=-1e4"};
  const Kept ledger = kept(window, pads);
  const auto& account = ledger.at(Name::weights).pads;
  REQUIRE(account);
  CHECK_THAT(account->mass, Catch::Matchers::WithinAbs(4 * 0x1.7cd32ep-17, 4 * 0x1p-40));
  CHECK_THAT(account->mass, Catch::Matchers::WithinRel(4.5397868234e-05, 1e-10));
  CHECK(account->slots == "0..3");
  CHECK(account->pad == -10000);
  CHECK(account->gap == 10);
  CHECK_THAT(account->needed, Catch::Matchers::WithinRel(103.972077083992, 1e-14));
  CHECK(ledger.at(Name::weights).sentence.find("slots 0..3 of window 0") != std::string::npos);
  CHECK(ledger.at(Name::weights).sentence.find("short by 93.97") != std::string::npos);

  Settings bf16 = pads;
  bf16.insert(bf16.end(), {"project_gate.storage=bf16", "pad.format=bf16", "window.storage=bf16"});
  CHECK(kept(window, bf16).at(Name::weights).pads->mass == 0.5);
  Settings mixed = pads;
  mixed.push_back("pad.format=bf16");
  const auto wins = kept(window, mixed).at(Name::weights).pads;
  CHECK(wins->pad == -9984);
  // Four additions near 4 are off by at most 2^-22 each, four weights by half a place, 2^-27.
  CHECK_THAT(wins->mass, Catch::Matchers::WithinAbs(0.99752737684, 4 * 0x1p-22 / 4 + 4 * 0x1p-27));
}

TEST_CASE("the first logit whose pads weigh exactly 0 is -9897.63671875 in fp32, -9914.048828125 with FTZ (E2)") {
  const auto mass = [](float logit, const Settings& more) {
    Window window{std::vector<float>(4, logit)};
    window.overlap = true;
    Settings settings{"pipeline=pad_first", "pad.gate=-1e4"};
    settings.insert(settings.end(), more.begin(), more.end());
    return kept(window, settings).at(Name::weights).pads->mass;
  };
  CHECK(mass(-9897.63671875F, {}) == 0);
  CHECK(mass(-9897.63671875F - 0x1p-10F, {}) == 4 * 0x1p-149);
  CHECK(mass(-9914.048828125F, {"default=fp32:ftz"}) == 0);
  CHECK(mass(-9914.048828125F - 0x1p-10F, {"default=fp32:ftz"}) > 0);
}

TEST_CASE("pads of -inf are no loss, and finite ones that vanish are counted apart") {
  Window window{{1, 2, 3, 4}};
  window.overlap = true;
  const Kept exact = kept(window, {});
  CHECK(exact.at(Name::exp).zero == 8);
  CHECK(exact.at(Name::exp).became_zero == 0U);
  CHECK(exact.at(Name::weights).pads->gap == HUGE_VAL);
  CHECK(exact.at(Name::weights).pads->mass == 0);
  const Kept finite = kept(window, {"pad.gate=-1e4"});
  CHECK(finite.at(Name::exp).became_zero == 8U);
  CHECK(finite.at(Name::exp).at_pads == 8);
  CHECK(finite.at(Name::exp).exp->lowest == -3);
  const Kept skipped = kept(window, {"pad.gate=-1e4", "softmax=where_arg"});
  CHECK(skipped.at(Name::exp).became_zero == 0U);
}

TEST_CASE("the denominator's line says that it cannot underflow, and what is lost instead") {
  Window window{{20, 19.9F, 3}};
  window.ape = 0.01F;
  const Kept ledger = kept(window, {"project_gate.storage=bf16", "softmax.storage=bf16"});
  const LedgerLine& line = ledger.at(Name::denominator);
  REQUIRE(line.denominator);
  CHECK(line.denominator->subtracts_maximum);
  CHECK(line.denominator->smallest >= 1);
  CHECK(line.denominator->below_one == 0);
  for (const char* part : {"the denominator is >= 1 because the maximum is subtracted", "logits are off by",
                           "bits of the bias are absorbed", "rounded weights miss 1 by"})
    CHECK(line.sentence.find(part) != std::string::npos);
  const Kept naive = kept(Window{{-50, -60}}, {"softmax=naive"});
  CHECK_FALSE(naive.at(Name::denominator).denominator->subtracts_maximum);
  CHECK(naive.at(Name::denominator).denominator->below_one == 2);
  CHECK(naive.at(Name::denominator).sentence.find("not subtracted") != std::string::npos);
}

TEST_CASE("a dump's zeros that the recipe does not give are not explained, and gaps of a dump are replayed") {
  const compressor::Problem problem = problem_of({{0, -1, -104}, {1, 2, 3}});
  const auto recipe = compressor::load_recipe("fp32");
  judge::Dump dump = test::own_dump(problem, recipe);
  auto weights = test::values_of(dump, "weights");
  weights[0] = 0;
  test::set_values(dump, "weights", weights);
  test::keep_only(dump, {"logits", "weights", "values", "pooled"});
  const Kept ledger{test::judged(problem, dump, recipe).underflow};
  CHECK(ledger.lines.size() == 4);
  const LedgerLine& line = ledger.at(Name::weights);
  CHECK(line.zero == 3);
  CHECK(line.became_zero == 1U);  // the others are 0 in the softmax that is replayed
  CHECK(count_of(line, Mechanism::unexplained) == 1);
  REQUIRE(line.denominator);  // of what the dump does not hold
  CHECK(line.denominator->smallest >= 1);
  REQUIRE(line.exp);
  CHECK(line.exp->lowest == -104);
  CHECK(line.exp->format == "fp32");
  CHECK_FALSE(ledger.at(Name::logits).bias);
  Window biased{{20, 16}};
  biased.ape = 0.3F;
  const compressor::Problem other = problem_of(biased);
  judge::Dump part = test::own_dump(other, recipe);
  test::keep_only(part, {"gate", "logits"});
  CHECK(Kept{test::judged(other, part, recipe).underflow}.at(Name::logits).bias->bits_lost == 6);
}

TEST_CASE("a run that keeps its results only is counted, and says nothing of what it did not keep") {
  const compressor::Problem problem = problem_of({{0, -104}});
  const auto recipe = compressor::load_recipe("fp32");
  const auto run = compressor::run_fused(problem, recipe, {});
  const Kept ledger{judge::measure_run(problem, run, test::truth_of(problem, recipe), 1).underflow};
  CHECK_FALSE(ledger.lines.empty());
  for (const LedgerLine& line : ledger.lines) {
    INFO(compressor::to_string(line.slot));
    CHECK_FALSE(line.mass);
    if (line.slot.direction == compressor::Direction::backward && line.slot.name != Name::gamma)
      CHECK_FALSE(line.became_zero);
  }
}

TEST_CASE("without a window, and without a recipe, there is no ledger") {
  compressor::Problem problem = problem_of({{0, 1}});
  problem.config.ratio = 4;
  problem.inputs[Name::ape] = tensor({4, 2}, std::vector<float>(8));
  problem.inputs[Name::cotangent] = tensor({1, 0, 2}, {});
  CHECK(kept(problem, compressor::load_recipe("fp32")).lines.empty());
  const compressor::Problem whole = problem_of({{0, 1}});
  CHECK(test::judged(whole, test::own_dump(whole, compressor::load_recipe("fp32")), std::nullopt).underflow.empty());
}
