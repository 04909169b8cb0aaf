// SPDX-License-Identifier: Apache-2.0
// What is asked of a stage and what is told from a bound: the same lines, and the same for any number of threads.
#include "core/judge/ledger_count.hpp"

#include <cmath>
#include <map>

#include "core/judge/dump.hpp"
#include "core/judge/ledger.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using compressor::Name;

namespace {

std::vector<judge::LedgerLine> ledger_of(const compressor::Problem& problem, const compressor::Recipe& recipe,
                                         unsigned threads) {
  const auto tape = compressor::run_traced(problem, recipe, {}).tape;
  const judge::Replayer replayer(problem, recipe, tape, threads);
  const auto truth = test::truth_of(problem, recipe);
  return judge::keep_ledger({problem, recipe, tape, truth.tape, replayer, judge::Gaps::leave});
}

std::vector<io::Json> json_of(const std::vector<judge::LedgerLine>& lines) {
  std::vector<io::Json> json;
  for (const judge::LedgerLine& line : lines) json.push_back(judge::to_json(line));
  return json;
}

const judge::LedgerLine& line_of(const std::vector<judge::LedgerLine>& lines, Name name) {
  for (const judge::LedgerLine& line : lines) {
    if (line.slot == compressor::forward(name)) return line;
  }
  throw std::runtime_error("no line");
}

/// Projections of 4 terms: of `cancelling` features, 1 + 2^-24 - 1 - 2^-24; of the others one term, `plain`.
compressor::Problem problem_of(std::size_t features, std::size_t cancelling, float plain) {
  constexpr std::size_t tokens = 4;
  compressor::Problem problem;
  compressor::Config& config = problem.config;
  config.mode = compressor::Mode::hca;
  config.overlap = false;
  config.ratio = config.seq = tokens;
  config.hidden = 4;
  config.head_dim = features;
  std::vector<float> hidden;
  for (std::size_t t = 0; t < tokens; ++t) hidden.insert(hidden.end(), {1, 0x1p-12F, -1, 0x1p-12F});
  std::vector<float> weights;
  for (std::size_t f = 0; f < features; ++f) {
    if (f < cancelling) {
      weights.insert(weights.end(), {1, 0x1p-12F, 1, -0x1p-12F});
    } else {
      weights.insert(weights.end(), {plain, 0, 0, 0});
    }
  }
  const auto put = [&problem](Name name, compressor::Shape shape, std::vector<float> values) {
    problem.inputs[name] = {std::move(shape), std::move(values), io::DType::f32};
  };
  put(Name::hidden, {1, tokens, 4}, hidden);
  put(Name::w_kv, {features, 4}, weights);
  put(Name::w_gate, {features, 4}, weights);
  put(Name::ape, {tokens, features}, std::vector<float>(tokens * features));
  put(Name::gamma, {features}, std::vector<float>(features, 1));
  put(Name::cotangent, {1, 1, features}, std::vector<float>(features, 1));
  return problem;
}

std::uint64_t count_of(const judge::LedgerLine& line, judge::Effect effect, judge::Mechanism mechanism) {
  for (const judge::Cause& cause : line.causes) {
    if (cause.effect == effect && cause.mechanism == mechanism) return cause.count;
  }
  return 0;
}
std::uint64_t subnormal_by(const judge::LedgerLine& line, judge::Mechanism mechanism) {
  return count_of(line, judge::Effect::subnormal, mechanism);
}

}  // namespace

TEST_CASE("a subnormal number whose exact sum is 0 is the sum's, beside others that only the cast made subnormal") {
  constexpr std::size_t features = 64;
  const auto recipe = test::with_settings(compressor::load_recipe("fp32"), {"project_kv.storage=fp16"});
  for (const std::size_t cancelling : {std::size_t{3}, features / 2}) {
    for (const float plain : {0x1p-16F, 0x1p-23F}) {  // beyond what the sum's error can explain, and within it
      INFO(cancelling << " that cancel, others " << plain);
      const auto problem = problem_of(features, cancelling, plain);
      const auto tape = compressor::run_traced(problem, recipe, {}).tape;
      REQUIRE(tape.find(compressor::forward(Name::kv))->tensor.at(0) == -0x1p-24);  // not what exact arithmetic gives
      const judge::LedgerLine line = line_of(ledger_of(problem, recipe, 1), Name::kv);
      CHECK(line.zero == 0);
      CHECK(line.subnormal == 4 * features);
      CHECK(subnormal_by(line, judge::Mechanism::sum) == 4 * cancelling);
      CHECK(subnormal_by(line, judge::Mechanism::storage) == 4 * (features - cancelling));
    }
  }
}

TEST_CASE("where a format rounds down, storage brings small positive values to 0 and no negative ones") {
  const auto recipe = test::with_settings(compressor::load_recipe("fp32"), {"project_kv.storage=fp16:rd"});
  for (const std::size_t features : {8, 64}) {
    auto problem = problem_of(features, 0, 0x1p-26F);
    std::vector<double> weights = compressor::to_doubles(problem.input(Name::w_kv));
    for (std::size_t f = 0; f < features; f += 4) weights[f * 4] = -0x1p-26;
    std::vector<float> floats(weights.begin(), weights.end());
    problem.inputs[Name::w_kv] = {{features, 4}, std::move(floats), io::DType::f32};
    auto tape = compressor::run_traced(problem, recipe, {}).tape;
    const compressor::Slot slot = compressor::forward(Name::kv);
    const compressor::Record found = *tape.find(slot);
    REQUIRE(found.tensor.at(0) == -0x1p-24);
    REQUIRE(found.tensor.at(1) == 0);
    // Zeros that the recipe does not give.
    std::vector<float> zeros(found.tensor.size());
    tape.set(slot, {found.tensor.shape, std::move(zeros), io::DType::f32}, found.format);
    const judge::Replayer replayer(problem, recipe, tape, 1);
    const auto truth = test::truth_of(problem, recipe);
    const auto lines = judge::keep_ledger({problem, recipe, tape, truth.tape, replayer, judge::Gaps::leave});
    const judge::LedgerLine& line = line_of(lines, Name::kv);
    CHECK(count_of(line, judge::Effect::zero, judge::Mechanism::storage) == 4 * features * 3 / 4);
    CHECK(count_of(line, judge::Effect::zero, judge::Mechanism::sum) == 4 * features / 4);
  }
}

TEST_CASE("zeros at pads are told apart, where a row of channels ends within 64 neighbours") {
  for (const std::size_t channels : {9, 20, 64, 72}) {
    compressor::Config config = compressor::preset("small-csa");
    config.batch = 2;
    config.seq = 28;
    config.head_dim = channels;
    config.rope = std::nullopt;
    compressor::MakeOptions make;
    make.gate_sigma = 40;
    const auto problem = compressor::make_problem(config, make);
    const auto recipe = test::with_settings(compressor::load_recipe("fp32"), {"pad.gate=-1e4"});
    const judge::LedgerLine line = line_of(ledger_of(problem, recipe, 1), Name::exp);
    CHECK(line.at_pads == 2 * 4 * channels);
    CHECK(line.zero > line.at_pads);
    CHECK(line.became_zero == line.zero);
  }
}

TEST_CASE("no zero of grad.hidden is a loss of its own sum, which is not asked for") {
  const auto problem = compressor::make_problem(compressor::preset("small-csa"), {});
  const auto recipe = test::with_settings(compressor::load_recipe("fp16-pure"), {"loss_scale=1e-7"});
  const auto tape = compressor::run_traced(problem, recipe, {}).tape;
  const auto value = [&](Name name, std::size_t i) { return tape.find(compressor::gradient(name))->tensor.at(i); };
  std::uint64_t zeros = 0;
  for (std::size_t i = 0; i < tape.find(compressor::gradient(Name::hidden))->tensor.size(); ++i) {
    if (value(Name::hidden, i) != 0) continue;
    ++zeros;
    CHECK(value(Name::hidden_kv, i) + value(Name::hidden_gate, i) == 0);
  }
  REQUIRE(zeros > 100);
  for (const judge::LedgerLine& line : ledger_of(problem, recipe, 1)) {
    if (line.slot != compressor::gradient(Name::hidden)) continue;
    CHECK(line.zero == zeros);
    CHECK(line.became_zero == std::optional<std::uint64_t>(0));
  }
}

TEST_CASE("of a slot of which a dump holds the first rows, those alone are counted") {
  compressor::Config config = compressor::preset("small-csa");
  config.batch = 2;
  const auto problem = compressor::make_problem(config, {});
  const auto recipe = test::with_settings(compressor::load_recipe("fp16-pure"), {"loss_scale=1e-6"});
  const auto tape = compressor::run_traced(problem, recipe, {}).tape;
  const judge::Replayer replayer(problem, recipe, tape, 1);
  const auto truth = test::truth_of(problem, recipe).tape;
  const compressor::Slot slot = compressor::gradient(Name::hidden_kv);
  const compressor::Tensor& whole = tape.find(slot)->tensor;
  const std::map<compressor::Slot, compressor::Shape> partial{{slot, {2, 5, whole.shape[2]}}};
  judge::Books books{problem, recipe, tape, truth, replayer, judge::Gaps::leave};
  books.partial = &partial;
  const compressor::Tensor run = judge::cropped(whole, partial.at(slot));
  const compressor::Tensor exact = judge::cropped(truth.find(slot)->tensor, partial.at(slot));
  std::uint64_t zeros = 0;
  double lost = 0;
  double all = 0;
  for (std::size_t i = 0; i < run.size(); ++i) {
    zeros += run.at(i) == 0;
    lost += run.at(i) == 0 ? exact.at(i) * exact.at(i) : 0;
    all += exact.at(i) * exact.at(i);
  }
  REQUIRE(zeros > 100);
  for (const judge::LedgerLine& line : judge::keep_ledger(books)) {
    if (line.slot != slot) continue;
    CHECK(line.count == run.size());
    CHECK(line.zero == zeros);
    CHECK(std::fabs(line.lost - std::sqrt(lost / all)) <= 1e-12);
    CHECK(line.became_zero == std::optional(zeros));
  }
}

TEST_CASE("the ledger does not depend on the number of threads", "[threads]") {
  for (const char* preset : {"small-csa", "small-hca"}) {
    const auto problem = compressor::make_problem(compressor::preset(preset), {});
    for (const char* scale : {"1", "1e-6"}) {
      INFO(preset << ", loss scale " << scale);
      const auto recipe =
          test::with_settings(compressor::load_recipe("fp16-pure"), {std::string("loss_scale=") + scale});
      const auto one = json_of(ledger_of(problem, recipe, 1));
      CHECK(json_of(ledger_of(problem, recipe, 2)) == one);
      CHECK(json_of(ledger_of(problem, recipe, 5)) == one);
    }
  }
}
