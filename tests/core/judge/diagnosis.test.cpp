// SPDX-License-Identifier: Apache-2.0
// Diagnoses: faults planted here are named for what they are. Mutants of a real port: tests/golden/mutants.test.cpp.
#include "core/judge/diagnosis.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/judge/mutants.hpp"
#include "precision/rounding.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;

namespace {

judge::Verdict verdict_of(const compressor::Problem& problem, const judge::Dump& dump,
                          const compressor::Recipe& recipe) {
  const auto report = test::judged(problem, dump, recipe);
  REQUIRE(report.verdict);
  return *report.verdict;
}

/// Our fp32 run of csa-small, one slot replaced by what `change` makes of it; only it and what stands before it is
/// kept.
template <class Change>
judge::Verdict planted(const std::vector<std::string>& kept, const std::string& slot, Change change) {
  const auto problem = test::golden_problem("csa-small");
  const auto recipe = compressor::load_recipe("fp32");
  auto dump = test::own_dump(problem, recipe);
  test::keep_only(dump, kept);
  test::set_values(dump, slot, change(test::values_of(dump, slot)));
  const auto verdict = verdict_of(problem, dump, recipe);
  CHECK(compressor::to_string(verdict.slot) == slot);
  return verdict;
}

/// The run of a changed config or recipe, judged as if nothing were changed.
judge::Verdict under(const compressor::Config& config, const compressor::Recipe& recipe,
                     const std::vector<std::string>& kept) {
  const auto problem = test::golden_problem("csa-small");
  auto dump = test::own_dump(compressor::with_config(problem, config), recipe);
  test::keep_only(dump, kept);
  return verdict_of(problem, dump, compressor::load_recipe("fp32"));
}

}  // namespace

TEST_CASE("a neighbour's window, a factor, a coarse cast and a stage that did nothing are told apart") {
  CHECK(planted({"values", "weights", "pooled"}, "pooled", [](std::vector<double> v) {
          std::rotate(v.begin(), v.begin() + 32, v.end());
          return v;
        }).diagnosis == "window_shift");
  CHECK(planted({"values", "weights", "pooled"}, "pooled", [](std::vector<double> v) {
          for (double& x : v) x *= 0.125;
          return v;
        }).diagnosis == "factor");
  const auto coarse = planted({"values", "weights", "pooled"}, "pooled", [](std::vector<double> v) {
    for (double& x : v) x = precision::round(x, precision::parse_format("fp16"));
    return v;
  });
  CHECK(coarse.diagnosis == "coarse_storage");
  CHECK(coarse.sentence.find("fp16") != std::string::npos);

  const auto problem = test::golden_problem("csa-small");
  auto dump = test::own_dump(problem, compressor::load_recipe("fp32"));
  test::keep_only(dump, {"normed", "rotated"});
  test::set_values(dump, "rotated", test::values_of(dump, "normed"));
  CHECK(verdict_of(problem, dump, compressor::load_recipe("fp32")).diagnosis == "identity");
}

TEST_CASE("RoPE faults are told apart: no YaRN, another theta, the other way, the last token's position") {
  const auto problem = test::golden_problem("csa-small");
  const auto recipe = compressor::load_recipe("fp32");
  const std::vector<std::string> kept{"normed", "rotated"};
  auto config = problem.config;
  config.rope->yarn.reset();
  CHECK(under(config, recipe, kept).sentence.find("without YaRN") != std::string::npos);
  config = problem.config;
  config.rope->theta = 40000;
  CHECK(under(config, recipe, kept).sentence.find("40000") != std::string::npos);
  config = problem.config;
  config.rope->position_offset = 3;
  CHECK(under(config, recipe, kept).sentence.find("last token") != std::string::npos);
}

namespace {

/// The rotation of the dump's own normed values and tables, with channel `pair(k)` of each pair.
template <class Pair>
judge::Verdict rotated_by(Pair pair) {
  const auto problem = test::golden_problem("csa-small");
  const auto recipe = compressor::load_recipe("fp32");
  auto dump = test::own_dump(problem, recipe);
  const auto x = test::values_of(dump, "normed");
  const auto cos = test::values_of(dump, "rope_cos");
  const auto sin = test::values_of(dump, "rope_sin");
  const std::size_t d = problem.config.head_dim;
  const std::size_t pairs = problem.config.rope->dim / 2;
  auto out = x;
  for (std::size_t row = 0; row < x.size() / d; ++row) {
    for (std::size_t k = 0; k < pairs; ++k) {
      const auto [first, second] = pair(d, pairs, k);
      const std::size_t angle = row % problem.config.windows() * pairs + k;
      const auto c = static_cast<float>(cos[angle]);
      const auto s = static_cast<float>(sin[angle]);
      const auto a = static_cast<float>(x[row * d + first]);
      const auto b = static_cast<float>(x[row * d + second]);
      out[row * d + first] = a * c - b * s;
      out[row * d + second] = a * s + b * c;
    }
  }
  test::keep_only(dump, {"normed", "rotated"});
  test::set_values(dump, "rotated", out);
  return verdict_of(problem, dump, recipe);
}

}  // namespace

TEST_CASE("another pairing of the rotation's channels is named") {
  using Channels = std::pair<std::size_t, std::size_t>;
  const auto half = rotated_by([](std::size_t d, std::size_t pairs, std::size_t k) {
    return Channels{d - 2 * pairs + k, d - pairs + k};
  });
  INFO(half.sentence);
  CHECK(half.diagnosis == "rope");
  CHECK(half.sentence.find("half-split") != std::string::npos);
  CHECK(half.sentence.find("i+8") != std::string::npos);
  const auto first = rotated_by([](std::size_t, std::size_t, std::size_t k) { return Channels{2 * k, 2 * k + 1}; });
  CHECK(first.sentence.find("turns the first 16 channels instead of the last") != std::string::npos);
  const auto both = rotated_by([](std::size_t, std::size_t pairs, std::size_t k) { return Channels{k, pairs + k}; });
  CHECK(both.sentence.find("first 16 channels") != std::string::npos);
  CHECK(both.sentence.find("half-split") != std::string::npos);
}

TEST_CASE("an input that was left out or shifted is named") {
  const auto problem = test::golden_problem("csa-small");
  const auto recipe = compressor::load_recipe("fp32");
  auto changed = problem;
  auto& ape = changed.inputs[compressor::Name::ape];
  ape = compressor::Tensor{ape.shape, std::vector<double>(ape.size(), 0), io::DType::f64};
  auto dump = test::own_dump(changed, recipe);
  test::keep_only(dump, {"kv", "gate", "logits"});
  CHECK(verdict_of(problem, dump, recipe).sentence.find("leaving ape out") != std::string::npos);

  auto values = compressor::to_doubles(problem.input(compressor::Name::ape));
  std::rotate(values.begin(), values.begin() + 64, values.end());
  ape = compressor::Tensor{ape.shape, values, io::DType::f64};
  dump = test::own_dump(changed, recipe);
  test::keep_only(dump, {"kv", "gate", "logits"});
  CHECK(verdict_of(problem, dump, recipe).sentence.find("shifted by one row") != std::string::npos);
}

TEST_CASE("a pad that only shows further down is found by trying other pads") {
  const auto problem = test::golden_problem("csa-small");
  auto dump = test::own_dump(problem, compressor::with_setting(compressor::load_recipe("fp32"), "pad.gate=0"));
  test::keep_only(dump, {"kv", "gate", "pooled"});
  const auto verdict = verdict_of(problem, dump, compressor::load_recipe("fp32"));
  CHECK(verdict.diagnosis == "pad_values");
  CHECK(verdict.sentence.find("gate is 0 instead of -inf") != std::string::npos);
}

TEST_CASE("another algorithm of a stage is named, forward and backward") {
  struct Other {
    const char* recipe;
    std::string setting;
    std::vector<std::string> kept;
  };
  const auto problem = test::golden_problem("csa-small");
  for (const auto& [name, setting, kept] :
       {Other{"fp32", "softmax.exp=cuda_fast", {"shifted", "exp"}},
        Other{"hf", "backward.softmax.saved=stored", {"softmax", "weights", "grad.weights", "grad.logits"}}}) {
    const auto recipe = compressor::load_recipe(name);
    auto dump = test::own_dump(problem, compressor::with_setting(recipe, setting));
    test::keep_only(dump, kept);
    const auto verdict = verdict_of(problem, dump, recipe);
    INFO(setting << ": " << verdict.sentence);
    CHECK(verdict.diagnosis == "other_choice");
    CHECK(verdict.sentence.find("is what " + setting + " makes") != std::string::npos);
  }
}

TEST_CASE("every diagnosis of the table has a name of its own and says what it finds") {
  std::set<std::string_view> names;
  for (const judge::Diagnosis& diagnosis : judge::diagnoses()) {
    CHECK(names.insert(diagnosis.name).second);
    CHECK_FALSE(diagnosis.about.empty());
  }
}

TEST_CASE("ranges of numbers are short") {
  CHECK(judge::ranges({3, 1, 2, 0}) == "0..3");
  CHECK(judge::ranges({5}) == "5");
  CHECK(judge::ranges({0, 2, 3, 3}) == "0 2..3");
  CHECK(judge::ranges({0, 2, 4, 6, 8, 10}) == "0 2 4 6 ...");
}

namespace {

/// The verdict on the one slot that a port with a bug keeps.
judge::Verdict verdict_on(const compressor::Problem& problem, const compressor::Recipe& recipe,
                          const std::string& mutant, const std::string& kept) {
  const auto run = judge::run_mutant(problem, recipe, judge::mutant_named(mutant), {});
  const auto slot = *compressor::find_slot(kept);
  judge::Dump dump;
  dump.tape.set(slot, run.tape.find(slot)->tensor, run.tape.find(slot)->format);
  return verdict_of(problem, dump, recipe);
}

}  // namespace

TEST_CASE("a bug far upstream is named from the one slot that a port keeps, in any storage format") {
  const auto problem = test::golden_problem("csa-small");
  for (const auto& [name, kept] : {std::pair{"kv_halves_swapped", "pooled"},
                                   {"halves_swapped", "output"},
                                   {"one_token_late", "normed"},
                                   {"gamma_plus_one", "output"},
                                   {"norm_gradient_straight", "grad.w_gate"}}) {
    for (const char* recipe : {"fp32", "hf"}) {
      INFO(name << ", " << kept << ", " << recipe);
      const auto verdict = verdict_on(problem, compressor::load_recipe(recipe), name, kept);
      CHECK(verdict.diagnosis == "known_bug");
      CHECK_THAT(verdict.sentence, Catch::Matchers::Contains(name));
    }
  }
}

TEST_CASE("a NaN, an infinity in one padded slot: which slot of which batch row, and what it does") {
  const auto planted_in_row_1 = [](const std::string& slot, double value) {
    return planted({"kv", "gate", "values", "logits"}, slot, [&](std::vector<double> v) {
      v[v.size() / 2 + 32 + 3] = value;  // batch row 1, window 0, slot 1
      return v;
    });
  };
  const auto tells = [](const judge::Verdict& verdict, const std::string& text) {
    INFO(verdict.sentence);
    return verdict.sentence.find(text) != std::string::npos;
  };
  const auto kv = planted_in_row_1("values", std::nan(""));
  CHECK(
      tells(kv, "NaN enters at values in slot 1 of window 0 of batch row 1: the padded kv rows hold NaN instead of 0"));
  CHECK(tells(kv, "0 * NaN is NaN even where the weight is 0"));
  const auto gate = planted_in_row_1("logits", std::nan(""));
  CHECK(tells(gate, "a NaN among them makes every weight of its channel there NaN"));
  CHECK_FALSE(tells(gate, "0 * NaN"));
  CHECK(tells(planted_in_row_1("values", HUGE_VAL), "the padded slot 1 of window 0 of batch row 1 holds +inf"));
}
