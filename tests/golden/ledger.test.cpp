// SPDX-License-Identifier: Apache-2.0
// The ledger of every golden problem under every built-in recipe, against counts written out here over the tape.
#include "core/judge/ledger.hpp"

#include <cmath>
#include <functional>

#include "tests/golden/ledger_count.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::test;
using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Slot;
using judge::LedgerLine;

namespace {

struct Subject {
  std::string name;
  compressor::Problem problem;
  compressor::Recipe recipe;
};

/// Every golden problem under every built-in recipe.
void for_each_subject(const std::function<void(const Subject&)>& check) {
  for (const std::string& name : golden_cases()) {
    const compressor::Problem problem = golden_problem(name);
    for (const std::string& recipe : compressor::builtin_recipe_names())
      check({name + " " + recipe, problem, compressor::load_recipe(recipe)});
  }
}

struct Ledger {
  compressor::Tape tape;
  compressor::Tape truth;
  std::vector<LedgerLine> lines;

  const LedgerLine* find(Slot slot) const {
    for (const LedgerLine& line : lines) {
      if (line.slot == slot) return &line;
    }
    return nullptr;
  }
};

Ledger ledger_of(const Subject& subject) {
  const auto run = compressor::run_traced(subject.problem, subject.recipe, {});
  const auto exact = judge::truth_recipe(subject.recipe, subject.problem.config, judge::Basis::quantized);
  const judge::Truth truth{
      {"fp64", 53, judge::Basis::quantized}, exact, compressor::run_traced(subject.problem, exact, {}).tape};
  return {run.tape, truth.tape, judge::measure_run(subject.problem, run, truth, 1).underflow};
}

std::uint64_t causes_of(const LedgerLine& line, judge::Effect effect) {
  std::uint64_t sum = 0;
  for (const judge::Cause& cause : line.causes) sum += cause.effect == effect ? cause.count : 0;
  return sum;
}

std::uint64_t subnormal_by_storage(const LedgerLine& line) {
  for (const judge::Cause& cause : line.causes) {
    if (cause.effect == judge::Effect::subnormal && cause.mechanism == judge::Mechanism::storage) return cause.count;
  }
  return 0;
}

void check_line(const LedgerLine& line, const Ledger& ledger, const BruteForce& brute) {
  const compressor::Record& record = *ledger.tape.find(line.slot);
  const Counted counted = brute.count(line.slot);
  CHECK(line.count == record.tensor.size());
  CHECK(line.zero == counted.zero);
  CHECK(line.subnormal == counted.subnormal);
  CHECK(line.underflowed == counted.underflowed);
  REQUIRE(line.became_zero);
  CHECK(*line.became_zero >= counted.became_zero_least);
  CHECK(*line.became_zero <= counted.became_zero_most);
  CHECK(causes_of(line, judge::Effect::zero) == *line.became_zero);
  CHECK(causes_of(line, judge::Effect::subnormal) <= line.subnormal);
  CHECK_THAT(line.lost, Catch::Matchers::WithinRel(counted.lost, 1e-9) || Catch::Matchers::WithinAbs(counted.lost, 0));
}

}  // namespace

TEST_CASE("every count of every line is that of the tape") {
  std::size_t zeros = 0;
  std::size_t sharp = 0;
  std::size_t lines = 0;
  for_each_subject([&](const Subject& subject) {
    INFO(subject.name);
    const Ledger ledger = ledger_of(subject);
    const BruteForce brute(subject.problem, subject.recipe, ledger.tape, ledger.truth);
    for (const LedgerLine& line : ledger.lines) {
      INFO(compressor::to_string(line.slot));
      check_line(line, ledger, brute);
      const Counted counted = brute.count(line.slot);
      zeros += counted.became_zero_least;
      sharp += counted.became_zero_least == counted.became_zero_most;
      ++lines;
    }
  });
  CHECK(zeros > 1000);  // the golden problems do underflow
  CHECK(sharp > lines * 8 / 10);
}

TEST_CASE(
    "where most of a gradient underflows, products are told from estimates, and every count is still the tape's") {
  std::size_t dense = 0;
  std::size_t stored = 0;
  for (const std::string& name : golden_cases()) {
    const compressor::Problem problem = golden_problem(name);
    for (const char* recipe : {"fp16-pure", "pr3810", "fp32"}) {
      for (const char* scale : {"1e-5", "1e-7", "1e-36", "1e-40"}) {
        INFO(name << ", " << recipe << ", loss scale " << scale);
        const Subject subject{
            name, problem,
            compressor::with_setting(compressor::load_recipe(recipe), std::string("loss_scale=") + scale)};
        const Ledger ledger = ledger_of(subject);
        const BruteForce brute(subject.problem, subject.recipe, ledger.tape, ledger.truth);
        for (const LedgerLine& line : ledger.lines) {
          if (!judge::is_matrix_product(line.slot)) continue;
          INFO(compressor::to_string(line.slot));
          check_line(line, ledger, brute);
          const Counted counted = brute.count(line.slot);
          CHECK_THAT(line.lost_here, Catch::Matchers::WithinRel(counted.lost_here, 1e-6) ||
                                         Catch::Matchers::WithinAbs(counted.lost_here, 0));
          const std::uint64_t by_storage = subnormal_by_storage(line);
          if (compressor::Plan(subject.recipe, problem.config).at(line.slot).accumulate.emin <
              ledger.tape.find(line.slot)->format.emin) {
            CHECK(by_storage >= counted.stored_least);
            CHECK(by_storage <= counted.stored_most);
            stored += by_storage;
          }
          dense += line.zero > line.count / 64 && line.zero < line.count;
        }
      }
    }
  }
  CHECK(dense > 50);
  CHECK(stored > 1000);
}

TEST_CASE("mass, pads, exp, bias and denominator are those of the tape") {
  for_each_subject([](const Subject& subject) {
    INFO(subject.name);
    const Ledger ledger = ledger_of(subject);
    const BruteForce brute(subject.problem, subject.recipe, ledger.tape, ledger.truth);
    const auto& weights = *ledger.find(forward(Name::weights));
    const Mass mass = brute.mass();
    REQUIRE(weights.mass);
    CHECK_THAT(std::fabs(weights.mass->lost), Catch::Matchers::WithinAbs(mass.worst, 1e-14));
    CHECK_THAT(weights.mass->rms, Catch::Matchers::WithinAbs(mass.rms, 1e-14));
    CHECK_THAT(weights.mass->flushed,
               Catch::Matchers::WithinRel(mass.flushed, 1e-9) || Catch::Matchers::WithinAbs(mass.flushed, 1e-300));
    CHECK(weights.pads.has_value() == brute.has_pads());
    if (weights.pads) {
      CHECK_THAT(weights.pads->mass, Catch::Matchers::WithinAbs(mass.pads, 1e-14));
      CHECK(weights.pads->gap == brute.gap());
      CHECK(weights.pads->slots == "0..3");
    }
    const auto& denominator = *ledger.find(forward(Name::denominator));
    CHECK(denominator.denominator->smallest == brute.smallest(Name::denominator));
    CHECK(denominator.denominator->smallest >= 1);
    CHECK(denominator.denominator->below_one == 0);
    const LedgerLine* exp = ledger.find(forward(Name::exp));
    if (exp != nullptr) CHECK(exp->exp->lowest == brute.lowest_shifted());
    const Bias bias = brute.bias();
    const bool bias_first = subject.recipe.pipeline == compressor::Pipeline::bias_first;
    const auto& sum = *ledger.find(forward(bias_first ? Name::biased : Name::logits));
    REQUIRE(sum.bias);
    CHECK(sum.bias->count == bias.count);
    CHECK(sum.absorbed == bias.absorbed);
    CHECK_THAT(sum.bias->bits_lost,
               Catch::Matchers::WithinRel(bias.bits_lost, 1e-12) || Catch::Matchers::WithinAbs(bias.bits_lost, 1e-12));
  });
}

TEST_CASE("a port that pads with a gate of 0: window 0, slots 0..3, and how far the pads are from the cliff") {
  const auto problem = golden_problem("csa-small");
  const auto recipe = compressor::load_recipe("fp32");
  const auto dump = golden_dump("csa-small.mutant-pad-gate-0", problem);
  const auto exact = judge::truth_recipe(recipe, problem.config, judge::Basis::quantized);
  const judge::Truth truth{
      {"fp64", 53, judge::Basis::quantized}, exact, compressor::run_traced(problem, exact, {}).tape};
  const auto report = judge::compare(problem, dump, {recipe, truth}, {});
  const Ledger ledger{dump.tape, truth.tape, report.underflow};
  const auto& weights = *ledger.find(forward(Name::weights));
  REQUIRE(weights.pads);
  CHECK(weights.pads->slots == "0..3");
  CHECK(weights.pads->at.window % problem.config.windows() == 0);
  CHECK(weights.pads->pad == 0);
  const BruteForce brute(problem, recipe, dump.tape, truth.tape);
  CHECK_THAT(weights.pads->mass, Catch::Matchers::WithinAbs(brute.mass().pads, 1e-14));
  CHECK(weights.pads->mass > 0.5);
  CHECK(weights.pads->gap == brute.gap());
  CHECK_THAT(weights.pads->needed, Catch::Matchers::WithinRel(103.972077083992, 1e-14));
  CHECK(weights.sentence.find("pads, slots 0..3 of window 0 ") != std::string::npos);
  CHECK(weights.sentence.find("short by") != std::string::npos);
}
