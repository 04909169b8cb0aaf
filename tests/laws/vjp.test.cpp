// SPDX-License-Identifier: Apache-2.0
// The VJP law, stage by stage and for the whole forward: <J v, u> = <v, J' u> to 1e-30 for random u and v.
#include "core/compressor/choices.hpp"
#include "tests/laws/support/vjp_law.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope::compressor;
using namespace ulpscope::test;

namespace {

/// What a problem holds besides the required inputs, and how the recipe reads it.
struct Scene {
  const char* name;
  bool prior;
  bool hidden_tokens;
  std::vector<std::string> settings;
};

const std::vector<Scene>& scenes() {
  static const std::vector<Scene> all{
      {"plain", false, false, {}},
      {"a finite pad that weighs", false, false, {"pad.gate=-0.5", "pad.kv=0.75"}},
      {"excluded pads", false, false, {"pad.gate=exclude"}},
      {"mask", false, true, {"mask=pad"}},
      {"mask and a finite pad", false, true, {"mask=pad", "pad.gate=-1e4", "pad.kv=2"}},
      {"previous half", false, true, {"segments=previous_half"}},
      {"strict segments and mask", false, true, {"segments=strict", "mask=pad"}},
      {"prior window", true, false, {}},
      {"prior window, mask, a finite pad", true, true, {"mask=pad", "segments=strict", "pad.gate=-2"}},
      {"sums in other orders",
       true,
       false,
       {"pool.summation=pairwise", "project_kv.summation=blocked:2", "softmax.summation=kahan"}},
      {"unrounded products", false, false, {"products.compute=exact"}},
      {"no norm", false, false, {"omit=[\"normalize\",\"scale\"]"}},
      {"no RoPE, no Hadamard", false, false, {"omit=[\"rotate\",\"hadamard\"]"}},
  };
  return all;
}

Problem problem_of(const Scene& scene, Mode mode) {
  Problem problem = make_problem(law_config(mode), {});
  if (scene.prior) add_prior(problem);
  if (scene.hidden_tokens) add_mask_and_segments(problem);
  return problem;
}

using Words = std::vector<std::string>;
const Words algorithms = choice_names<Softmax>();
const Words softmax_vjps = choice_names<SoftmaxVjp>();

std::string name_of(Mode mode) { return mode == Mode::csa ? "csa" : "hca"; }

}  // namespace

TEST_CASE("every stage and the whole forward obey the VJP law, with pads, masks, segments and prior windows") {
  const Mode mode = GENERATE(Mode::csa, Mode::hca);
  const std::string pipeline = GENERATE("bias_first", "pad_first");
  for (const Scene& scene : scenes()) {
    DYNAMIC_SECTION(name_of(mode) << ", " << pipeline << ", " << scene.name) {
      const Problem problem = problem_of(scene, mode);
      const Recipe recipe = with_settings(with_setting(load_recipe("fp64"), "pipeline=" + pipeline), scene.settings);
      const LawPoint point(problem, recipe);
      const std::vector<Step> steps = point.steps();
      CHECK(steps.size() >= 10);
      for (const Step& step : steps) {
        INFO(step.name);
        CHECK(law_violation(point.sides(step, 100)) == "");
      }
    }
  }
}

TEST_CASE("every softmax algorithm, with every form of its VJP, obeys the law") {
  const std::string algorithm = GENERATE(from_range(algorithms));
  const std::string gate = GENERATE("-inf", "exclude", "-0.5", "-1e4");
  // An online maximum that starts on a pad of -inf is NaN by definition: that is what the guard is for.
  const std::string tile = algorithm == "online" && gate == "-inf" ? "online.tile=4" : "online.tile=1";
  DYNAMIC_SECTION(algorithm << ", pads " << gate) {
    const Problem problem = make_problem(law_config(Mode::csa), {});
    const Recipe base = with_settings(load_recipe("fp64"), {"softmax=" + algorithm, "pad.gate=" + gate, tile});
    for (const std::string& vjp : softmax_vjps) {
      for (const char* maximum : {"stop", "through"}) {
        for (const char* saved : {"computed", "stored"}) {
          // Stored weights are 0 at pads: a VJP that reads them forgets that under where_post a finite pad weighed.
          const bool forgets = algorithm == "where_post" && gate == "-0.5" && saved == std::string("stored");
          if (forgets && !vjp.starts_with("autodiff")) continue;
          const Recipe recipe = with_settings(
              base, {"backward.softmax.vjp=" + vjp, std::string("backward.softmax.max_gradient=") + maximum,
                     std::string("backward.softmax.saved=") + saved});
          const LawPoint point(problem, recipe);
          INFO(vjp << ", max_gradient " << maximum << ", saved " << saved);
          CHECK(law_violation(point.sides(point.step("softmax"), 200)) == "");
          CHECK(law_violation(point.sides(point.step("softmax and pool"), 300)) == "");
        }
      }
    }
  }
}

TEST_CASE("every form of the RMSNorm VJP obeys the law") {
  const std::string vjp = GENERATE("closed", "autodiff:torch", "autodiff:jax");
  const std::string rsqrt = GENERATE("correct", "div_sqrt");
  const std::string division = GENERATE("div", "reciprocal");
  const Problem problem = make_problem(law_config(Mode::csa), {});
  const Recipe recipe =
      with_settings(load_recipe("fp64"), {"backward.normalize.vjp=" + vjp, "normalize.rsqrt=" + rsqrt,
                                          "normalize.division=" + division, "softmax.division=" + division});
  const LawPoint point(problem, recipe);
  for (const Step& step : point.steps()) {
    INFO(vjp << ", " << rsqrt << ", " << division << ": " << step.name);
    CHECK(law_violation(point.sides(step, 400)) == "");
  }
}

TEST_CASE("the whole forward obeys the law for every softmax, VJP form, pad, mode and pipeline") {
  const Mode mode = GENERATE(Mode::csa, Mode::hca);
  const std::string pipeline = GENERATE("bias_first", "pad_first");
  const std::string algorithm = GENERATE(from_range(algorithms));
  const Problem problem = make_problem(law_config(mode), {});
  const Recipe base =
      with_settings(load_recipe("fp64"), {"pipeline=" + pipeline, "softmax=" + algorithm, "online.tile=4"});
  DYNAMIC_SECTION(name_of(mode) << ", " << pipeline << ", " << algorithm) {
    for (const std::string& vjp : softmax_vjps) {
      for (const char* gate : {"-inf", "-0.5"}) {
        const Recipe recipe =
            with_settings(base, {"backward.softmax.vjp=" + vjp, std::string("pad.gate=") + gate, "pad.kv=0.75"});
        const LawPoint point(problem, recipe);
        INFO(vjp << ", pads " << gate);
        CHECK(law_violation(point.sides(point.step("the whole forward"), 500)) == "");
      }
    }
  }
}

TEST_CASE("every softmax algorithm obeys the law with masks, segments and prior windows, in both modes") {
  const Mode mode = GENERATE(Mode::csa, Mode::hca);
  const std::string algorithm = GENERATE(from_range(algorithms));
  // An online maximum that starts on pads of -inf is NaN by definition: one tile holds the whole window.
  const std::string tile = algorithm == "online" ? "online.tile=6" : "online.tile=2";
  std::size_t turn = 0;
  for (const Scene& scene : scenes()) {
    if (!scene.hidden_tokens && !scene.prior) continue;
    DYNAMIC_SECTION(name_of(mode) << ", " << algorithm << ", " << scene.name) {
      const Problem problem = problem_of(scene, mode);
      // Forms of the VJP and pipelines take turns: each meets each kind of scene under some algorithm.
      const std::string vjp = softmax_vjps[(turn + algorithm.size()) % softmax_vjps.size()];
      const std::string pipeline = turn % 2 == 0 ? "bias_first" : "pad_first";
      const Recipe base = with_settings(
          load_recipe("fp64"), {"softmax=" + algorithm, tile, "backward.softmax.vjp=" + vjp, "pipeline=" + pipeline});
      const Recipe recipe = with_settings(base, scene.settings);
      const LawPoint point(problem, recipe);
      INFO(vjp << ", " << pipeline);
      CHECK(law_violation(point.sides(point.step("softmax and pool"), 600)) == "");
      CHECK(law_violation(point.sides(point.step("the whole forward"), 700)) == "");
    }
    ++turn;
  }
}

TEST_CASE("all softmax algorithms give the same weights and entries to 70 digits on rows with pads of -inf") {
  const Mode mode = GENERATE(Mode::csa, Mode::hca);
  const std::string algorithm = GENERATE(from_range(algorithms));
  Problem problem = make_problem(law_config(mode), {});
  add_mask_and_segments(problem);
  const Recipe base = with_settings(load_recipe("fp64"), {"mask=pad", "segments=strict", "online.tile=6"});
  const std::vector<Slot> wanted{forward(Name::weights), forward(Name::output)};
  const Values<Real> expected = evaluate_real(problem, base, {}, {wanted});
  for (const auto& [slot, values] : evaluate_real(problem, with_setting(base, "softmax=" + algorithm), {}, {wanted})) {
    std::size_t far = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      far += !(abs(values[i] - expected.at(slot)[i]) <= Real("1e-70") * abs(expected.at(slot)[i])) ? 1 : 0;
    }
    INFO(name_of(mode) << ", " << algorithm << ", " << to_string(slot));
    CHECK(values.size() > 0);
    CHECK(far == 0);
  }
}

TEST_CASE("the law sees an error of 1e-28 in a single gradient, and a missing one") {
  LawSides sides{3, 3};
  CHECK(law_violation(sides) == "");
  sides.backward += Real("1e-28");
  CHECK(law_violation(sides) != "");
  CHECK(law_violation({0, 0}) != "");
  CHECK(law_violation({std::numeric_limits<Real>::quiet_NaN(), 1}) != "");
}

TEST_CASE("the quantizer's VJP is the identity, though its derivative is 0") {
  const std::string format = GENERATE("e2m1", "e4m3fn");
  Problem plain = make_problem(law_config(Mode::csa), {});
  Problem quantized = plain;
  quantized.config.quantize = Quantize{format, 4, 0};
  const Recipe recipe = load_recipe("fp64");
  const std::vector<Slot> inputs{gradient(Name::hidden), gradient(Name::w_kv), gradient(Name::ape),
                                 gradient(Name::gamma)};
  const Values<Real> through = evaluate_real(quantized, recipe, {}, {inputs});
  CHECK(through == evaluate_real(plain, recipe, {}, {inputs}));
  const Values<Real> steps = evaluate_real(
      quantized, recipe, {}, {{gradient(Name::quantized), gradient(Name::hadamard), forward(Name::hadamard)}});
  CHECK(steps.at(gradient(Name::quantized)) == real_input(quantized, Name::cotangent));
  CHECK(steps.at(gradient(Name::hadamard)) == steps.at(gradient(Name::quantized)));
  Values<RealDual> moving;
  for (const Real& value : steps.at(forward(Name::hadamard))) moving[forward(Name::hadamard)].push_back({value, 1});
  const Values<RealDual> result = differentiate_real(quantized, recipe, moving, {{forward(Name::quantized)}});
  for (const RealDual& value : result.begin()->second) {
    CHECK(value.derivative == 0);
  }
}

TEST_CASE("grad.output is the cotangent times loss_scale, and every gradient is proportional to it") {
  const Problem problem = make_problem(law_config(Mode::hca), {});
  const Recipe scaled = with_setting(load_recipe("fp64"), "loss_scale=1024");
  const std::vector<Slot> wanted{gradient(Name::output), gradient(Name::hidden), gradient(Name::ape),
                                 gradient(Name::w_gate)};
  const Values<Real> plain = evaluate_real(problem, load_recipe("fp64"), {}, {wanted});
  for (const auto& [slot, values] : evaluate_real(problem, scaled, {}, {wanted})) {
    INFO(to_string(slot));
    for (std::size_t i = 0; i < values.size(); ++i) CHECK(values[i] == 1024 * plain.at(slot)[i]);
  }
}
