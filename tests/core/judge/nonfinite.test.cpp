// SPDX-License-Identifier: Apache-2.0
// Birth certificates: each class by hand, masks, cures that were run, and faults planted at random places.
#include "core/judge/nonfinite.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/compressor/graph.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
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

Recipe recipe_of(const std::string& name, const std::vector<std::string>& settings) {
  return test::with_settings(compressor::load_recipe(name), settings);
}

/// One value in all elements of a slot.
compressor::RunOptions filled(Slot slot, double value) {
  compressor::RunOptions options;
  options.overrides[slot] = [value](compressor::Tensor& tensor) {
    tensor.data = std::vector<double>(tensor.size(), value);
  };
  return options;
}

Nonfinite certified(const Problem& problem, const Recipe& recipe, const compressor::RunOptions& options = {}) {
  const compressor::Run run = compressor::run_traced(problem, recipe, options);
  const judge::Truth truth = test::truth_of(problem, recipe);
  return judge::certify({problem, recipe, run.tape, truth.tape}, 1);
}

Problem plain_problem() {
  compressor::Config config = test::small_config(compressor::Mode::csa);
  config.batch = 1;
  return compressor::make_problem(config, {});
}

/// The first `hidden` tokens are padding: in window 0 every slot is masked.
Problem left_padded_problem(std::size_t hidden) {
  Problem problem = plain_problem();
  std::vector<double> mask(problem.config.seq, 1);
  std::fill_n(mask.begin(), hidden, 0.0);
  problem.inputs[Name::attention_mask] = {{1, problem.config.seq}, std::move(mask), io::DType::boolean};
  return problem;
}

std::uint64_t on_path(const BirthCertificate& certificate, Slot slot) {
  for (const judge::PathStep& step : certificate.path) {
    if (step.slot == slot) return step.count;
  }
  return 0;
}

const BirthCertificate& only(const Nonfinite& found) {
  REQUIRE(found.certificates.size() == 1);
  return found.certificates.front();
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

TEST_CASE("a sum of squares that leaves fp16 is an overflow of the addition that did it, masked by the norm") {
  compressor::Config config = test::small_config(compressor::Mode::csa);
  config.batch = 1;
  config.head_dim = 512;
  const Problem problem = compressor::make_problem(config, {});
  const Nonfinite found = certified(problem, recipe_of("fp16-pure", {}), filled(forward(Name::pooled), 16));

  const BirthCertificate& birth = found.certificates.front();
  CHECK(birth.slot == forward(Name::mean_square));
  CHECK(birth.stage == "normalize");
  CHECK(birth.operation == "add");
  CHECK(birth.birth_class == "overflow");
  REQUIRE(birth.operands.size() == 2);
  CHECK(birth.operands[0].value == 65280);  // after 255 terms of 256
  CHECK(birth.operands[0].hex == "0x7BF8");
  CHECK(birth.operands[1].value == 256);
  CHECK(birth.operands[1].hex == "0x5C00");
  CHECK(birth.masked_by == "normalized");  // x / inf = 0: no NaN, and a wrong output
  CHECK(birth.cure == "normalize.accumulate=fp32: fp32 in the stage's sums");
  CHECK_FALSE(birth.channel);
  CHECK(birth.count == config.windows());
}

TEST_CASE("naive softmax of very negative logits divides 0 by 0, and the shifted one cures it") {
  const Nonfinite found =
      certified(plain_problem(), recipe_of("fp32", {"softmax=naive"}), filled(forward(Name::logits), -104));
  const BirthCertificate& birth = only(found);
  CHECK(birth.slot == forward(Name::softmax));
  CHECK(birth.stage == "softmax");
  CHECK(birth.operation == "div");
  CHECK(birth.birth_class == "0/0");
  REQUIRE(birth.operands.size() == 2);
  CHECK(birth.operands[0].value == 0);
  CHECK(birth.operands[1].hex == "0x00000000");
  CHECK(birth.cure == "softmax=shifted: the maximum subtracted");
  CHECK(birth.masked_by.empty());
  CHECK(on_path(birth, forward(Name::output)) > 0);
  CHECK(on_path(birth, gradient(Name::hidden)) > 0);
}

TEST_CASE("naive softmax of large logits overflows in exp") {
  const Nonfinite found =
      certified(plain_problem(), recipe_of("fp32", {"softmax=naive"}), filled(forward(Name::logits), 89));
  const BirthCertificate& birth = found.certificates.front();
  CHECK(birth.slot == forward(Name::exp));
  CHECK(birth.operation == "exp");
  CHECK(birth.birth_class == "overflow");
  CHECK(birth.cure == "softmax=shifted: the maximum subtracted");
}

TEST_CASE("rows of -inf: which operation, and where it returns") {
  struct Case {
    const char* softmax;
    const char* slot;
    const char* operation;
    const char* birth_class;
    const char* masked_by;
  };
  const Problem problem = left_padded_problem(4);
  for (const Case& one : {Case{"naive", "softmax", "div", "0/0", ""},
                          {"shifted", "shifted", "sub", "inf - inf", ""},
                          {"log_softmax", "shifted", "sub", "inf - inf", ""},
                          {"online", "denominator", "sub", "inf - inf", ""},
                          {"where_post", "shifted", "sub", "inf - inf", "weights"}}) {
    INFO(one.softmax);
    const Nonfinite found = certified(problem, recipe_of("fp32", {"mask=pad", std::string("softmax=") + one.softmax}));
    REQUIRE_FALSE(found.certificates.empty());
    const BirthCertificate& birth = found.certificates.front();
    CHECK(compressor::to_string(birth.slot) == one.slot);
    CHECK(birth.window == std::size_t{0});
    CHECK(birth.operation == one.operation);
    CHECK(birth.birth_class == one.birth_class);
    CHECK(birth.masked_by == one.masked_by);
    CHECK(on_path(birth, gradient(Name::logits)) > 0);
    CHECK_FALSE(birth.cure.empty());
    CHECK_FALSE(found.notes.empty());  // exact arithmetic has no number there either
  }
  for (const char* guarded : {"double_where", "where_arg", "online_guarded"}) {
    INFO(guarded);
    const auto settings = std::vector<std::string>{"mask=pad", std::string("softmax=") + guarded};
    for (const BirthCertificate& birth : certified(problem, recipe_of("fp32", settings)).certificates) {
      CHECK_FALSE(birth.masked_by.empty());
      CHECK(on_path(birth, gradient(Name::logits)) == 0);
    }
  }
}

TEST_CASE("an unguarded online softmax is poisoned by a first tile of pads, and guarded is the cure") {
  const Nonfinite found = certified(plain_problem(), recipe_of("fp32", {"softmax=online"}));
  const BirthCertificate& birth = found.certificates.front();
  CHECK(birth.slot == forward(Name::denominator));
  CHECK(birth.window == std::size_t{0});
  CHECK(birth.operation == "sub");
  CHECK(birth.birth_class == "inf - inf");
  CHECK(birth.cure == "softmax=online_guarded: maxima of -inf guarded against");
  CHECK(found.notes.empty());
}

TEST_CASE("an infinite kv pad meets a weight of 0, and kv 0 is the cure") {
  const Nonfinite found = certified(plain_problem(), recipe_of("fp32", {"pad.kv=inf"}));
  REQUIRE(found.certificates.size() >= 4);
  for (std::size_t r = 0; r < 4; ++r) {
    const BirthCertificate& birth = found.certificates[r];
    CHECK(birth.slot == forward(Name::products));
    CHECK(birth.birth_class == "0 * inf");
    CHECK(birth.window == std::size_t{0});
    CHECK(birth.softmax_slot == r);
    CHECK(birth.cure == "pad.kv=0: kv of pads 0");
  }
  const Nonfinite nan = certified(plain_problem(), recipe_of("fp32", {"pad.kv=nan"}));
  CHECK(nan.certificates.front().slot == forward(Name::values));
  CHECK(nan.certificates.front().birth_class == "from pad");
  CHECK(nan.certificates.front().cure == "pad.kv=0: kv of pads 0");
}

TEST_CASE("what an input holds, or becomes when it is rounded, is from the input") {
  Problem problem = plain_problem();
  std::vector<double> values = compressor::to_doubles(problem.input(Name::hidden));
  values[30] = std::nan("");
  problem.inputs[Name::hidden] = {problem.input(Name::hidden).shape, values, io::DType::f64};
  const Nonfinite found = certified(problem, recipe_of("fp32", {}));
  const BirthCertificate& birth = only(found);
  CHECK(birth.slot == forward(Name::hidden));
  CHECK(birth.index == 30);
  CHECK(birth.birth_class == "from input");
  CHECK(birth.cure == "0 in place of the element in hidden");
  CHECK(on_path(birth, forward(Name::output)) > 0);

  values[30] = 1e5;
  problem.inputs[Name::hidden] = {problem.input(Name::hidden).shape, values, io::DType::f64};
  const Nonfinite rounded = certified(problem, recipe_of("fp16-pure", {}));
  const BirthCertificate& overflow = rounded.certificates.front();
  CHECK(overflow.slot == forward(Name::hidden));
  CHECK(overflow.operation == "round");
  CHECK(overflow.birth_class == "overflow");
  CHECK(overflow.operands.front().value == 1e5);
}

TEST_CASE("a loss scale that leaves fp16 is born in the gradient, meets weights of 0, and a smaller one cures it") {
  const Nonfinite found = certified(plain_problem(), recipe_of("fp16-pure", {"loss_scale=65536"}));
  const BirthCertificate& birth = found.certificates.front();
  CHECK(birth.slot == gradient(Name::output));
  CHECK(birth.operation == "mul");
  CHECK(birth.birth_class == "overflow");
  CHECK(birth.cure.starts_with("loss_scale="));
  CHECK(on_path(birth, gradient(Name::values)) > 0);
}

TEST_CASE("forward fine, backward not: the division rule that squares the denominator") {
  const Recipe recipe = recipe_of("fp32", {"softmax=naive", "softmax.vjp=autodiff:jax_div"});
  for (const auto& [logit, birth_class] : {std::pair{-50.0, "overflow"}, {-55.0, "x/0"}}) {
    const Nonfinite found = certified(plain_problem(), recipe, filled(forward(Name::logits), logit));
    const BirthCertificate& birth = only(found);
    CHECK(birth.slot == gradient(Name::logits));
    CHECK(birth.stage == "softmax");
    CHECK(birth.operation == "div");
    CHECK(birth.birth_class == birth_class);
    CHECK(birth.operands.front().value == 1);
    CHECK(birth.cure == "backward.softmax.vjp=y_times_g_minus_s: the closed VJP of the softmax");
    CHECK(on_path(birth, forward(Name::output)) == 0);
    CHECK(on_path(birth, gradient(Name::w_gate)) > 0);
  }
}

TEST_CASE("the dump with NaN in its padded kv rows: window 0, slots 0..3, and the cure") {
  const Problem problem = test::golden_problem("csa-small");
  const judge::Dump dump = test::golden_dump("csa-small.mutant-kv-nan-in-pad", problem);
  const auto report = test::judged(problem, dump, compressor::load_recipe("fp32"));
  std::vector<std::size_t> slots;
  std::uint64_t count = 0;
  for (const BirthCertificate& birth : report.nonfinite) {
    CHECK(birth.slot == forward(Name::values));
    CHECK(birth.stage == "window");
    CHECK(birth.window == std::size_t{0});
    CHECK(birth.birth_class == "from pad");
    CHECK(birth.cure == "pad.kv=0: 0 held in the padded rows of values");
    CHECK(on_path(birth, forward(Name::products)) > 0);
    REQUIRE(birth.softmax_slot);
    slots.push_back(*birth.softmax_slot);
    count += birth.count;
  }
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  CHECK(slots == std::vector<std::size_t>{0, 1, 2, 3});
  CHECK(count == problem.config.batch * 4 * problem.config.head_dim);
}

TEST_CASE("the dump with another pad gate has nothing that is not finite") {
  const Problem problem = test::golden_problem("csa-small");
  const judge::Dump dump = test::golden_dump("csa-small.mutant-pad-gate-0", problem);
  CHECK(test::judged(problem, dump, compressor::load_recipe("fp32")).nonfinite.empty());
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
    CHECK_FALSE(birth.operation.empty());
    CHECK_FALSE(birth.cure.empty());
  }
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
