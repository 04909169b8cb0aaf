// SPDX-License-Identifier: Apache-2.0
// Enclosures of small problems against intervals over MPFR: pipelines, pads, policies, softmax formulas, quantisers,
// pinned slots; and what an enclosure says where there is no number.
#include <algorithm>

#include "core/judge/truth.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/enclosures.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope::compressor;
using namespace ulpscope::test;
using ulpscope::judge::Basis;
using ulpscope::judge::truth_recipe;
using ulpscope::precision::Enclosed;
using ulpscope::precision::Interval;

namespace {

struct Counts {
  std::size_t slots = 0;
  std::size_t apart = 0;
  std::size_t unbounded = 0;
};

/// `given`: doubles, the same in both kinds; of `slots`, or of all others.
Counts against_intervals(const Problem& problem, const Recipe& recipe, const Tape& given = {},
                         const std::vector<Slot>& slots = {}) {
  Values<Enclosed> ours;
  Values<Interval> theirs;
  for (const auto& [slot, record] : given.records()) {
    for (std::size_t i = 0; i < record.tensor.size(); ++i) {
      ours[slot].emplace_back(record.tensor.at(i));
      theirs[slot].emplace_back(record.tensor.at(i));
    }
  }
  Wanted wanted = every_slot(problem, recipe);
  std::erase_if(wanted.slots, [&](Slot slot) { return given.has(slot); });
  if (!slots.empty()) wanted.slots = slots;
  const Values<Enclosed> found = evaluate_enclosed(problem, recipe, ours, wanted);
  const Values<Interval> expected = evaluate_interval(problem, recipe, theirs, wanted);
  Counts counts;
  for (const Slot slot : wanted.slots) {
    const Agreement agreement = compare(found.at(slot), expected.at(slot), {});
    ++counts.slots;
    counts.apart += agreement.apart;
    counts.unbounded += agreement.unbounded;
  }
  return counts;
}

std::size_t unbounded_in(const std::vector<Enclosed>& values) {
  return static_cast<std::size_t>(std::count_if(
      values.begin(), values.end(), [](const Enclosed& x) { return !(x.radius < ulpscope::precision::infinity()); }));
}

}  // namespace

TEST_CASE("enclosures agree with intervals over MPFR: every small problem, the truths of recipes of every family") {
  for (const SmallProblem& small : small_problems()) {
    for (const char* name : {"fp64", "hf", "pr3810", "maxtext", "sglang"}) {
      const Recipe recipe = truth_recipe(load_recipe(name), small.problem.config, Basis::quantized);
      INFO(small.name << ", " << name);
      const Counts counts = against_intervals(small.problem, recipe);
      CHECK(counts.slots >= 20);
      CHECK(counts.apart == 0);
      CHECK(counts.unbounded == 0);
    }
  }
}

TEST_CASE("enclosures agree with intervals over MPFR: softmax formulas, masks, segments, order of sums") {
  for (const SmallProblem& small : small_problems()) {
    for (const std::vector<std::string>& settings :
         std::vector<std::vector<std::string>>{{"softmax=naive"},
                                               {"softmax=log_softmax"},
                                               {"mask=pad", "segments=strict"},
                                               {"pool.summation=pairwise"}}) {
      const Recipe recipe = with_settings(load_recipe("fp64"), settings);
      INFO(small.name << ", " << settings.front());
      const Counts counts = against_intervals(small.problem, recipe);
      CHECK(counts.apart == 0);
      CHECK(counts.unbounded == 0);
    }
  }
}

TEST_CASE("from a run's own slots on, enclosures agree with intervals over MPFR") {
  for (const SmallProblem& small : small_problems()) {
    const Recipe recipe = load_recipe("hf");
    const Recipe exact = truth_recipe(recipe, small.problem.config, Basis::quantized);
    const Run run = run_traced(small.problem, recipe, {});
    Tape pinned;
    for (const Name name : {Name::kv, Name::gate, Name::weights, Name::pooled, Name::rope_frequencies}) {
      const Record* record = run.tape.find(forward(name));
      if (record != nullptr) pinned.set(forward(name), record->tensor, record->format);
    }
    INFO(small.name);
    const Counts counts = against_intervals(small.problem, exact, pinned);
    CHECK(counts.apart == 0);
    CHECK(counts.unbounded == 0);
  }
}

TEST_CASE("every rung of a ladder and every exact stage on a run's own inputs agree with intervals over MPFR") {
  const std::vector<Slot> targets{forward(Name::output), gradient(Name::hidden), gradient(Name::w_gate)};
  for (const char* name : {"csa-tiny", "hca-tiny"}) {
    const Problem problem = golden_problem(name);
    const Recipe recipe = load_recipe("hf");
    const Recipe exact = truth_recipe(recipe, problem.config, Basis::quantized);
    const Tape run = run_traced(problem, recipe, {}).tape;
    Tape pinned;
    std::size_t rungs = 0;
    for (const Slot slot : program_order(problem, recipe)) {
      INFO(name << ", " << to_string(slot));
      const Record& record = *run.find(slot);
      Tape others;
      for (const auto& [other, held] : run.records()) {
        if (other != slot) others.set(other, held.tensor, held.format);
      }
      pinned.set(slot, record.tensor, record.format);
      std::vector<Slot> wanted;
      std::copy_if(targets.begin(), targets.end(), std::back_inserter(wanted), [&](Slot t) { return !pinned.has(t); });
      if (wanted.empty()) break;
      const Counts stage = against_intervals(problem, exact, others, {slot});
      const Counts rung = against_intervals(problem, exact, pinned, wanted);
      CHECK(stage.apart + rung.apart == 0);
      CHECK(stage.unbounded + rung.unbounded == 0);
      ++rungs;
    }
    CHECK(rungs >= 36);
  }
}

TEST_CASE("positions to 2^20: cos and sin are certain to 2^-100") {
  Problem problem;
  for (const SmallProblem& small : small_problems()) {
    if (small.problem.config.rope && small.problem.config.windows() > 1) problem = small.problem;
  }
  REQUIRE(problem.config.rope);
  problem.config.rope->position_offset = (1 << 20) - 64;
  const Recipe recipe = load_recipe("fp64");
  const Wanted tables{{forward(Name::rope_cos), forward(Name::rope_sin)}, 1};
  const Values<Enclosed> ours = evaluate_enclosed(problem, recipe, {}, tables);
  const Values<Interval> theirs = evaluate_interval(problem, recipe, {}, tables);
  for (const Slot slot : tables.slots) {
    CHECK(compare(ours.at(slot), theirs.at(slot), {}).apart == 0);
    for (const Enclosed& value : ours.at(slot)) CHECK(value.radius <= 0x1p-100);
  }
}

TEST_CASE("a NaN and an infinity among the inputs keep their classes; an overflow is any real number") {
  Problem problem = small_problems().front().problem;
  const Recipe recipe = load_recipe("fp64");
  const auto with_hidden = [&](double value) {
    Problem changed = problem;
    std::vector<double> values = to_doubles(problem.input(Name::hidden));
    values[0] = value;
    changed.inputs[Name::hidden] = {problem.input(Name::hidden).shape, std::move(values), ulpscope::io::DType::f64};
    return changed;
  };
  const Slot kv = forward(Name::kv), output = forward(Name::output);
  const Wanted wanted{{kv, output}, 1};
  for (const double value : {ulpscope::precision::infinity(), __builtin_nan("")}) {
    const Values<Enclosed> found = evaluate_enclosed(with_hidden(value), recipe, {}, wanted);
    CHECK(!std::isfinite(found.at(kv)[0].high));
    CHECK(found.at(kv)[0].radius == 0);
    CHECK(std::isnan(found.at(output)[0].high));
  }
  Problem overflowing = with_hidden(1.7e308);
  std::vector<double> weights = to_doubles(problem.input(Name::w_kv));
  weights[0] = 3;
  overflowing.inputs[Name::w_kv] = {problem.input(Name::w_kv).shape, std::move(weights), ulpscope::io::DType::f64};
  const Values<Enclosed> found = evaluate_enclosed(overflowing, recipe, {}, wanted);
  CHECK(unbounded_in(found.at(kv)) > 0);
  CHECK(unbounded_in(found.at(output)) > 0);
}

TEST_CASE(
    "a quantised element, or its block's scale, that its enclosure leaves open is the hull of what it may become") {
  Problem problem =
      small_problems().back().problem;  // e2m1: 0 .5 1 1.5 2 3 4 6, blocks of 16, scale 2^ceil(log2(amax / 6))
  const Slot before = forward(Name::hadamard), quantized = forward(Name::quantized);
  const std::size_t channels = problem.config.head_dim;
  const std::size_t count = problem.config.batch * problem.config.windows() * channels;
  std::vector<Enclosed> given(count, Enclosed(0.0));
  given[0] = Enclosed(6.0);               // scale 1
  given[1] = Enclosed(2.5);               // a tie, exactly: to even, 2
  given[2] = Enclosed(2.5, 0, 0x1p-80);   // 2 or 3
  given[3] = Enclosed(2.75, 0, 0x1p-80);  // 3
  given[16] = Enclosed(6.0, 0, 0x1p-80);  // scale 1 or 2
  given[17] = Enclosed(2.0);              // 2 by either
  given[32] = ulpscope::precision::any_real();
  const Values<Enclosed> found = evaluate_enclosed(problem, load_recipe("fp64"), {{before, given}}, {{quantized}, 1});
  const std::vector<Enclosed>& values = found.at(quantized);
  const auto is = [&](std::size_t i, double value) { return values[i].high == value && values[i].radius == 0; };
  const auto may_be = [&](std::size_t i, double value) {
    return lower(values[i]) <= value && upper(values[i]) >= value;
  };
  CHECK(is(0, 6));
  CHECK(is(1, 2));
  CHECK((may_be(2, 2) && may_be(2, 3) && !may_be(2, 3.5)));
  CHECK(is(3, 3));
  CHECK((std::isfinite(values[33].high) && !std::isfinite(values[33].radius)));
  CHECK((may_be(16, 6) && may_be(17, 2) && values[17].radius > 0));
}

TEST_CASE("results alone, through fused windows and on two threads, have the bits of a run that keeps every slot") {
  for (const SmallProblem& small : small_problems()) {
    const Recipe recipe = load_recipe("fp64");
    const Values<Enclosed> whole = evaluate_enclosed(small.problem, recipe, {}, every_slot(small.problem, recipe));
    Wanted results{{forward(Name::output)}, 2};
    for (const Name name : {Name::hidden, Name::w_kv, Name::w_gate, Name::ape, Name::gamma})
      results.slots.push_back(gradient(name));
    const Values<Enclosed> alone = evaluate_enclosed(small.problem, recipe, {}, results);
    for (const Slot slot : results.slots) {
      INFO(small.name << ", " << to_string(slot));
      const std::vector<Enclosed>& expected = whole.at(slot);
      CHECK(std::equal(expected.begin(), expected.end(), alone.at(slot).begin(), alone.at(slot).end(),
                       [](const Enclosed& a, const Enclosed& b) {
                         return a.high == b.high && a.low == b.low && a.radius == b.radius;
                       }));
    }
  }
}
