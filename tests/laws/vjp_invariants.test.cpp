// SPDX-License-Identifier: Apache-2.0
// Oracle-free checks: what exact arithmetic leaves at 0 is below 1e-60 in MPFR and below derived bounds in fp32.
#include "tests/laws/support/invariants.hpp"
#include "tests/laws/support/vjp_law.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope::compressor;
using namespace ulpscope::test;

namespace {

constexpr double fp32_roundoff = 0x1p-24;

/// k roundings in a row: k u / (1 - k u).
Real growth(std::size_t roundings, double unit_roundoff) {
  const Real error = Real(roundings) * unit_roundoff;
  return error / (1 - error);
}

Problem random_problem(Mode mode, std::uint64_t seed) {
  MakeOptions options;
  options.seed = seed;
  options.gate_sigma = seed % 2 == 0 ? 1.5 : 6;
  return make_problem(small_config(mode), options);
}

std::vector<Residual> residuals_of_run(const Problem& problem, const std::string& recipe) {
  const Recipe loaded = load_recipe(recipe);
  const Tape tape = run_traced(problem, loaded, {}).tape;
  return Invariants(problem, loaded, in_real(tape, Invariants::slots())).residuals();
}

/// Entries that may depend on token t: its own window's and, under overlap, the next one's.
bool reaches(const Config& config, std::size_t token, std::size_t entry) {
  const std::size_t window = token / config.ratio;
  return entry == window || (config.overlap && entry == window + 1);
}

bool all_zero(const std::vector<Real>& values, std::size_t row, std::size_t width) {
  for (std::size_t i = row * width; i < (row + 1) * width; ++i) {
    if (values[i] != 0) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("in MPFR every invariant holds to 1e-60") {
  const Mode mode = GENERATE(Mode::csa, Mode::hca);
  const std::string pipeline = GENERATE("bias_first", "pad_first");
  const Problem problem = make_problem(law_config(mode), {});
  const Recipe recipe = with_setting(load_recipe("fp64"), "pipeline=" + pipeline);
  const Values<Real> slots = evaluate_real(problem, recipe, {}, {Invariants::slots()});
  for (const Residual& residual : Invariants(problem, recipe, slots).residuals()) {
    INFO(residual.name << ": " << residual.value.str(3));
    CHECK(residual.value <= Real("1e-60"));
  }
}

TEST_CASE("in fp32 every residual is within the worst case of its roundings, and not 0") {
  const Mode mode = GENERATE(Mode::csa, Mode::hca);
  std::map<std::string, Real> worst;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    for (const Residual& residual : residuals_of_run(random_problem(mode, seed), "fp32")) {
      INFO(residual.name << ", seed " << seed << ": " << residual.value.str(3));
      CHECK(residual.value <= growth(residual.roundings, fp32_roundoff));
      worst[residual.name] = std::max(worst[residual.name], residual.value);
    }
  }
  worst.erase("pooled lies between the values");  // an inequality: 0 is what it should be
  for (const auto& [name, value] : worst) {
    INFO(name);
    CHECK(value > fp32_roundoff / 8);
  }
}

TEST_CASE("a run in bf16 breaks the bounds of fp32") {
  for (const Residual& residual : residuals_of_run(random_problem(Mode::csa, 1), "bf16-pure")) {
    if (residual.name == "pooled lies between the values") continue;
    INFO(residual.name << ": " << residual.value.str(3));
    CHECK(residual.value > growth(residual.roundings, fp32_roundoff));
    CHECK(residual.value <= growth(residual.roundings, 0x1p-8));
  }
}

TEST_CASE("a NaN in the last element of any slot breaks an invariant: no maximum drops it") {
  const Problem problem = make_problem(law_config(Mode::csa), {});
  const Recipe recipe = load_recipe("fp64");
  const Values<Real> sound = evaluate_real(problem, recipe, {}, {Invariants::slots()});
  for (const Slot slot : Invariants::slots()) {
    Values<Real> poisoned = sound;
    poisoned.at(slot).back() = std::numeric_limits<Real>::quiet_NaN();
    const auto residuals = Invariants(problem, recipe, poisoned).residuals();
    INFO(to_string(slot));
    CHECK(std::any_of(residuals.begin(), residuals.end(), [](const Residual& r) { return !(r.value <= 1); }));
  }
}

TEST_CASE("a finite pad that weighs breaks the sums over real slots, each half of ape alone is no invariant") {
  const Problem problem = make_problem(law_config(Mode::csa), {});
  const Recipe recipe = with_setting(load_recipe("fp64"), "pad.gate=-0.5");
  const auto residuals =
      Invariants(problem, recipe, evaluate_real(problem, recipe, {}, {Invariants::slots()})).residuals();
  CHECK(residuals[0].value <= Real("1e-60"));  // the pad's own weight is in the sum
  CHECK(residuals[3].value > Real("1e-3"));    // but its gradient never reaches ape
  const Values<Real> plain = evaluate_real(problem, load_recipe("fp64"), {}, {{gradient(Name::ape)}});
  Real first_half = 0;
  for (std::size_t j = 0; j < problem.config.ratio; ++j)
    first_half += plain.begin()->second[j * problem.config.features()];
  CHECK(abs(first_half) > Real("1e-3"));
}

TEST_CASE(
    "causality in MPFR: a token moves exactly the entries that see it, an entry's cotangent reaches exactly its "
    "tokens") {
  const Mode mode = GENERATE(Mode::csa, Mode::hca);
  const Problem problem = make_problem(law_config(mode), {});
  const Config& config = problem.config;
  const Recipe recipe = load_recipe("fp64");
  const std::vector<Real> hidden = real_input(problem, Name::hidden);
  for (std::size_t token = 0; token < config.seq; ++token) {
    Values<RealDual> moving;
    for (std::size_t i = 0; i < hidden.size(); ++i) {
      moving[forward(Name::hidden)].push_back({hidden[i], i / config.hidden == token ? 1 : 0});
    }
    std::vector<Real> derivative;
    const Values<RealDual> result = differentiate_real(problem, recipe, moving, {{forward(Name::output)}});
    for (const RealDual& value : result.begin()->second) {
      derivative.push_back(value.derivative);
    }
    for (std::size_t entry = 0; entry < config.batch * config.windows(); ++entry) {
      INFO("token " << token << ", entry " << entry);
      CHECK(all_zero(derivative, entry, config.head_dim) ==
            !(entry < config.windows() && reaches(config, token, entry)));
    }
  }
}

TEST_CASE(
    "causality of the backward, in MPFR and in fp32: an entry's cotangent reaches exactly the tokens that it sees") {
  const Mode mode = GENERATE(Mode::csa, Mode::hca);
  Problem problem = make_problem(law_config(mode), {});
  const Config& config = problem.config;
  for (std::size_t entry = 0; entry < config.windows(); ++entry) {
    const auto cotangent = std::get<ulpscope::io::Buffer<float>>(problem.inputs.at(Name::cotangent).data).writable();
    for (std::size_t i = 0; i < cotangent.size(); ++i) cotangent[i] = i / config.head_dim == entry ? 1.0F : 0.0F;
    const std::vector<Slot> wanted{gradient(Name::hidden)};
    const Values<Real> exact = evaluate_real(problem, load_recipe("fp64"), {}, {wanted});
    const Values<Real> rounded = in_real(run_traced(problem, load_recipe("fp32"), {}).tape, wanted);
    for (std::size_t token = 0; token < config.batch * config.seq; ++token) {
      INFO("entry " << entry << ", token " << token);
      const bool seen = token < config.seq && reaches(config, token, entry);
      CHECK(all_zero(exact.begin()->second, token, config.hidden) == !seen);
      CHECK(all_zero(rounded.begin()->second, token, config.hidden) == !seen);
    }
  }
}

TEST_CASE("remainder tokens and the first half of the last window get no gradient at all") {
  const Mode mode = GENERATE(Mode::csa, Mode::hca);
  const Problem problem = make_problem(law_config(mode), {});
  const Config& config = problem.config;
  for (const Slot slot : {gradient(Name::kv), gradient(Name::gate)}) {
    const std::vector<Real> values = evaluate_real(problem, load_recipe("fp64"), {}, {{slot}}).begin()->second;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t window = i / config.features() % config.seq / config.ratio;
      const bool first_half = config.overlap && i % config.features() < config.head_dim;
      const bool unused = window == config.windows() || (first_half && window + 1 == config.windows());
      INFO(to_string(slot) << " " << i);
      CHECK((values[i] == 0) == unused);
    }
  }
}
