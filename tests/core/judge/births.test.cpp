// SPDX-License-Identifier: Apache-2.0
// Births by law: planted at random places they are found there, in any dump, and honest runs have none.
#include "core/judge/births.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/compressor/graph.hpp"
#include "tests/core/judge/certified.hpp"

using namespace ulpscope;
using namespace ulpscope::test;
using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Problem;
using compressor::Recipe;
using compressor::Slot;
using judge::BirthCertificate;
using judge::Nonfinite;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

bool has_word(const std::string& text, const std::string& word) {
  return (' ' + text + ' ').find(' ' + word + ' ') != std::string::npos;
}

/// The operations that may make an element of a slot, by the formulas. A move is a copy, the rounding that stores it,
/// or the 0 of a gradient that is not there.
std::string makers_of(const std::string& slot) {
  const std::string moves = "copy round constant pad";
  const std::pair<std::string, std::string> made[] = {
      {"fma add", "kv gate pooled grad.w_kv grad.w_gate grad.hidden.kv grad.hidden.gate grad.gamma grad.ape"},
      {"add", "biased denominator grad.hidden"},
      {"add " + moves, "logits grad.normed"},  // pad_first adds the bias there; the norm's gradient may be rotated
      {"sub", "shifted"},
      {"exp", "exp"},
      {"div mul", "softmax mean_square"},
      {"mul", "products normalized normed hadamard grad.logits grad.normalized grad.values grad.weights"},
      {"mul add", "grad.pooled"},
      {"mul add sub " + moves, "rotated grad.rotated grad.output grad.hadamard grad.quantized quantized output"}};
  for (const auto& [operations, slots] : made) {
    if (has_word(slots, slot)) return operations;
  }
  return moves;
}

}  // namespace

TEST_CASE("honest runs have no certificate: infinite pads are there by definition") {
  for (const test::SmallProblem& small : test::small_problems()) {
    for (const char* name : {"fp32", "hf", "pr3810", "bf16-pure", "sglang-online-bf16"}) {
      const Recipe recipe = recipe_of(name, {"pad.gate=-inf", "pad.kv=0", "softmax=online_guarded"});
      const judge::Truth truth = test::truth_of(small.problem, recipe);
      const auto report =
          judge::measure_run(small.problem, compressor::run_traced(small.problem, recipe, {}), truth, 1);
      INFO(small.name << " " << name);
      if (small.name == "csa") CHECK(test::row_named(report, "logits").metrics->classes.neg_inf > 0);
      CHECK(report.nonfinite.empty());
      CHECK_FALSE(judge::has_strays(report.rows));
    }
  }
}

TEST_CASE("thirty births planted at random places are found there") {
  test::Random random(30);
  const auto problems = test::small_problems();
  const char* const recipes[] = {"fp32", "pr3810", "hf", "bf16-pure"};
  for (int i = 0; i < 30; ++i) {
    const Problem& problem = problems[random.index(problems.size())].problem;
    const Recipe recipe = compressor::load_recipe(recipes[random.index(4)]);
    auto order = compressor::program_order(problem, recipe);
    const auto direction = i % 2 == 0 ? compressor::Direction::forward : compressor::Direction::backward;
    std::erase_if(order, [&](Slot slot) {
      return slot.direction != direction || compressor::level_of(slot) == compressor::Level::table;
    });
    const Slot slot = order[random.index(order.size())];
    const double value = random.index(2) == 0 ? std::nan("") : infinity;
    std::size_t index = 0;
    compressor::RunOptions options;
    options.overrides[slot] = [&](compressor::Tensor& tensor) {
      index = random.index(tensor.size());
      std::vector<double> values = compressor::to_doubles(tensor);
      values[index] = value;
      tensor.data = values;
    };
    const Nonfinite found = certified(problem, recipe, options);
    INFO(i << ": " << recipe.name << ", " << compressor::to_string(slot) << " " << index << " = " << value);
    const BirthCertificate& birth = only(found);
    CHECK(birth.slot == slot);
    CHECK(birth.index == index);
    CHECK(birth.count == 1);
    CHECK(birth.stage == compressor::to_string(compressor::Plan(recipe, problem.config).writer(slot)));
    CHECK((birth.birth_class == "not from the recipe" || birth.birth_class == "from pad"));
    CHECK(has_word(makers_of(compressor::to_string(slot)), birth.operation));
    CHECK_FALSE(birth.cure.empty());
  }
}

TEST_CASE("a NaN where the recipe has a pad of -inf is a birth of the dump") {
  const Problem problem = plain_problem();
  const Recipe recipe = recipe_of("fp32", {"pad.gate=-inf"});
  compressor::RunOptions options;
  options.overrides[forward(Name::logits)] = [](compressor::Tensor& tensor) {
    std::vector<double> values = compressor::to_doubles(tensor);
    REQUIRE(values[3] == -infinity);  // window 0, slot 0
    values[3] = std::nan("");
    tensor.data = values;
  };
  const Nonfinite found = certified(problem, recipe, options);
  const BirthCertificate& birth = only(found);
  CHECK(birth.slot == forward(Name::logits));
  CHECK(birth.index == 3);
  CHECK(birth.window == std::size_t{0});
  CHECK(birth.softmax_slot == std::size_t{0});
}

TEST_CASE("independent births each have a certificate, in program order") {
  const Problem problem = plain_problem();
  compressor::RunOptions options;
  const auto plant = [](std::size_t index) {
    return [index](compressor::Tensor& tensor) {
      std::vector<double> values = compressor::to_doubles(tensor);
      values[index] = std::nan("");
      tensor.data = values;
    };
  };
  options.overrides[forward(Name::kv)] = plant(5 * problem.config.features());
  options.overrides[forward(Name::normalized)] = plant(problem.config.head_dim * 8);
  options.overrides[gradient(Name::logits)] = plant(3);
  const Nonfinite found = certified(problem, recipe_of("fp32", {}), options);
  REQUIRE(found.certificates.size() == 3);
  CHECK(found.certificates[0].slot == forward(Name::kv));
  CHECK(found.certificates[1].slot == forward(Name::normalized));
  CHECK(found.certificates[2].slot == gradient(Name::logits));
}

TEST_CASE("a dump's births are found in slots that it does not hold") {
  const Problem problem = plain_problem();
  const Recipe recipe = recipe_of("fp32", {"softmax=online"});
  judge::Dump dump = test::own_dump(problem, recipe);
  test::keep_only(dump, {"kv", "gate", "pooled", "output"});
  const auto report = test::judged(problem, dump, recipe);
  REQUIRE_FALSE(report.nonfinite.empty());
  CHECK(report.nonfinite.front().slot == forward(Name::pooled));
  CHECK(report.nonfinite.front().operation == "sub");

  const Recipe naive = recipe_of("fp32", {"softmax=naive"});
  const compressor::Run run = compressor::run_traced(problem, naive, filled(forward(Name::gate), -1e3));
  dump.tape = run.tape;
  test::keep_only(dump, {"kv", "gate", "output"});
  const auto hidden = test::judged(problem, dump, naive);
  REQUIRE_FALSE(hidden.nonfinite.empty());
  CHECK(hidden.nonfinite.front().slot == forward(Name::softmax));
  CHECK(hidden.nonfinite.front().birth_class == "0/0");
}

TEST_CASE("a backend that keeps the results only is certified by a replay") {
  const Problem problem = plain_problem();
  const Recipe recipe = recipe_of("fp32", {"softmax=online"});
  const judge::Truth truth = test::truth_of(problem, recipe);
  const auto traced = judge::measure_run(problem, compressor::run_traced(problem, recipe, {}), truth, 1);
  const auto fused = judge::measure_run(problem, compressor::run_fused(problem, recipe, {}), truth, 1);
  REQUIRE_FALSE(traced.nonfinite.empty());
  REQUIRE(fused.nonfinite.size() == traced.nonfinite.size());
  CHECK(fused.nonfinite.front().slot == traced.nonfinite.front().slot);
  CHECK(fused.nonfinite.front().index == traced.nonfinite.front().index);
}

TEST_CASE("any slots of any dump, with anything planted: the first certificate is about the first of it") {
  test::Random random(77);
  const auto problems = test::small_problems();
  const char* const recipes[] = {"fp32", "pr3810", "maxtext", "hf-fp32", "trtllm", "fp16-pure"};
  for (int i = 0; i < 40; ++i) {
    const Problem& problem = problems[random.index(problems.size())].problem;
    const Recipe recipe = recipe_of(recipes[random.index(6)], {"softmax=online_guarded"});
    judge::Dump dump = test::own_dump(problem, recipe);
    std::vector<std::string> kept{"output"};
    Slot first = gradient(Name::hidden);
    for (const Slot slot : compressor::program_order(problem, recipe)) {
      if (compressor::level_of(slot) == compressor::Level::table || random.index(2) == 0) continue;
      kept.push_back(compressor::to_string(slot));
      const bool is_first = first == gradient(Name::hidden);
      if (slot == gradient(Name::hidden) || random.index(6) != 0) continue;
      std::vector<double> values = test::values_of(dump, kept.back());
      values[random.index(values.size())] = random.index(2) == 0 ? std::nan("") : infinity;
      test::set_values(dump, kept.back(), values);
      if (is_first) first = slot;
    }
    if (first == gradient(Name::hidden)) continue;
    test::keep_only(dump, kept);
    const auto report = test::judged(problem, dump, recipe);
    INFO(i << ": " << recipe.name << ", planted in " << compressor::to_string(first));
    REQUIRE_FALSE(report.nonfinite.empty());
    CHECK(report.nonfinite.front().slot == first);
    CHECK_FALSE(test::judged(problem, dump, std::nullopt).nonfinite.empty());
  }
}

namespace {

/// The problem with such a number in `hidden`, of one token or of all.
Problem with_hidden(Problem problem, double value, std::size_t first, std::size_t last) {
  std::vector<double> values = compressor::to_doubles(problem.input(Name::hidden));
  for (std::size_t token = first; token < last; ++token) values[token * problem.config.hidden + 3] = value;
  problem.inputs[Name::hidden] = {problem.input(Name::hidden).shape, values, io::DType::f64};
  return problem;
}

/// A projection as what reads it would find it without strays.
compressor::Tensor sound(const judge::Births& births, Name name) {
  const auto& order = births.graph().order();
  const auto reader = std::find_if(order.begin(), order.end(), [&](Slot slot) {
    const auto& reads = births.graph().reads(slot);
    return std::find(reads.begin(), reads.end(), forward(name)) != reads.end();
  });
  REQUIRE(reader != order.end());
  return births.sound_reads(*reader).find(forward(name))->tensor;
}

}  // namespace

TEST_CASE("a projection of strays only is healed to the truth's values, and nothing more is born behind it") {
  const Problem clean = plain_problem();
  const Problem problem = with_hidden(clean, std::nan(""), 0, clean.config.seq);
  const Recipe recipe = compressor::load_recipe("fp32");
  const compressor::Run run = compressor::run_traced(problem, recipe, {});
  const judge::Truth truth = test::truth_of(clean, recipe);
  const judge::Suspect suspect{problem, recipe, run.tape, truth.tape};
  const judge::Births births(suspect, 1);
  REQUIRE(births.groups().size() == 1);
  CHECK(births.groups().front().origin == judge::Origin::input);
  CHECK(births.groups().front().elements.size() == clean.config.seq);
  for (const Name name : {Name::kv, Name::gate}) {
    const compressor::Tensor healed = sound(births, name);
    const compressor::Tensor& exact = truth.tape.find(forward(name))->tensor;
    std::size_t others = 0;
    for (std::size_t i = 0; i < exact.size(); ++i)
      others += healed.at(i) != static_cast<double>(static_cast<float>(exact.at(i)));
    CHECK(others == 0);
  }
}

TEST_CASE("a token's strays in a projection are healed to its sums, of the healed input") {
  const Problem clean = plain_problem();
  const std::size_t token = clean.config.seq / 2;
  const Problem problem = with_hidden(clean, std::nan(""), token, token + 1);
  const Recipe recipe = compressor::load_recipe("fp32");
  const compressor::Run run = compressor::run_traced(problem, recipe, {});
  const judge::Truth truth = test::truth_of(problem, recipe);
  const judge::Suspect suspect{problem, recipe, run.tape, truth.tape};
  const judge::Births births(suspect, 1);
  REQUIRE(births.groups().size() == 1);
  const compressor::Run healthy = compressor::run_traced(with_hidden(clean, 1, token, token + 1), recipe, {});
  const auto terms = static_cast<double>(clean.config.hidden);
  double squares = 0;
  for (std::size_t i = 0; i < clean.config.hidden; ++i) {
    const double value = clean.input(Name::hidden).at(token * clean.config.hidden + i);
    squares += i == 3 ? 1 : value * value;
  }
  for (const auto& [name, weights] : {std::pair{Name::kv, Name::w_kv}, {Name::gate, Name::w_gate}}) {
    double weight = 0;
    for (std::size_t i = 0; i < clean.input(weights).size(); ++i)
      weight = std::max(weight, std::fabs(clean.input(weights).at(i)));
    const double order = (terms + 1) * 0x1p-24 * std::sqrt(terms * squares) * weight;  // of sum |terms|
    const compressor::Tensor healed = sound(births, name);
    const compressor::Tensor& wanted = healthy.tape.find(forward(name))->tensor;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const double error = std::fabs(healed.at(i) - wanted.at(i));
      CHECK(error <= (i / clean.config.features() == token ? order : 0));
    }
  }
}

TEST_CASE("births do not depend on the number of threads", "[threads]") {
  for (const test::SmallProblem& small : test::small_problems()) {
    for (const char* name : {"fp32", "fp16-pure"}) {
      Problem problem = small.problem;
      compressor::Tensor& hidden = problem.inputs.at(Name::hidden);
      std::vector<double> values = compressor::to_doubles(hidden);
      values[values.size() / 2] = std::nan("");
      hidden.data = values;
      const Recipe recipe = recipe_of(name, {"pad.gate=-inf"});
      const compressor::Run run = compressor::run_traced(problem, recipe, {});
      const judge::Truth truth = test::truth_of(problem, recipe);
      const judge::Suspect suspect{problem, recipe, run.tape, truth.tape};
      const judge::Births one(suspect, 1);
      REQUIRE_FALSE(one.groups().empty());
      for (const unsigned threads : {2U, 5U}) {
        INFO(small.name << ", " << name << ", threads: " << threads);
        const judge::Births many(suspect, threads);
        REQUIRE(many.groups().size() == one.groups().size());
        for (std::size_t i = 0; i < one.groups().size(); ++i) {
          const judge::BirthGroup& group = one.groups()[i];
          const judge::BirthGroup& other = many.groups()[i];
          CHECK(other.slot == group.slot);
          CHECK(other.origin == group.origin);
          REQUIRE(other.elements.size() == group.elements.size());
          CHECK(other.elements.front() == group.elements.front());
        }
        REQUIRE(many.strays().size() == one.strays().size());
        for (const auto& [slot, elements] : one.strays()) {
          INFO(compressor::to_string(slot));
          const auto found = many.strays().find(slot);
          REQUIRE(found != many.strays().end());
          CHECK(found->second.size() == elements.size());
        }
      }
    }
  }
}
