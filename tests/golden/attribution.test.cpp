// SPDX-License-Identifier: Apache-2.0
// Whose error the output of real implementations is: shares stage by stage, from nothing but what their dumps hold.
#include "core/judge/attribution.hpp"

#include <array>
#include <cmath>
#include <map>

#include "reference/truth.hpp"
#include "tests/golden/golden.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using compressor::Slot;

namespace {

/// A golden dump, and what attribution reads of it.
struct Foreign {
  Foreign(const std::string& name, const std::string& run, const std::string& recipe_name)
      : problem(test::golden_problem(name)),
        dump(test::golden_dump(name + "." + run, problem)),
        judged(judge::judged_problem(problem, dump)),
        recipe(compressor::load_recipe(recipe_name)) {}

  judge::Evidence evidence() const { return {judged, recipe, dump.tape, exact, &dump.partial, 1}; }

  compressor::Problem problem;
  judge::Dump dump;
  compressor::Problem judged;
  compressor::Recipe recipe;
  judge::Exact exact = judge::exact_in_fp64();
};

std::map<std::string, double> shares_of(const judge::Attribution& attribution) {
  std::map<std::string, double> shares;
  for (const auto& step : attribution.steps)
    shares[step.slot ? compressor::to_string(*step.slot) : "inputs"] += step.contribution.share.value();
  return shares;
}

double sum_of(const judge::Attribution& attribution) {
  double sum = 0;
  for (const auto& step : attribution.steps) sum += step.contribution.share.value();
  return sum;
}

}  // namespace

TEST_CASE("Hugging Face's bf16 output error is split by stage as an independent ladder split it") {
  struct Case {
    std::string name;
    std::array<double, 7> shares;  // project, bias, softmax, products, pool, normalize + scale, rotate
  };
  const std::array<Case, 4> cases{{{"csa-small", {.3055, 0, .1613, .1345, .1635, .1843, .0508}},
                                   {"hca-small", {.7138, 0, .0273, .0587, .0659, .0616, .0726}},
                                   {"csa-hard", {.8398, 0, .0007, .0392, .0303, .0596, .0304}},
                                   {"hca-hard", {.9068, 0, -.0136, .0342, .0044, .0604, .0077}}}};
  for (const auto& [name, expected] : cases) {
    const Foreign foreign(name, "hf-bf16", "hf");
    const auto attribution = judge::attribute_by_ladder(foreign.evidence(), compressor::parse_slot("output"));
    auto share = shares_of(attribution);
    const std::array<double, 7> found{share["kv"] + share["gate"],
                                      share["values"] + share["logits"],
                                      share["weights"],
                                      share["products"],
                                      share["pooled"],
                                      share["normed"],
                                      share["rotated"]};
    for (std::size_t i = 0; i < found.size(); ++i) {
      INFO(name << ", group " << i << ": " << found[i] << " against " << expected[i]);
      CHECK(std::fabs(found[i] - expected[i]) <= .002);
    }
    CHECK(share["inputs"] == 0);  // their ape and gamma stay fp32, and the others hold bf16 values
    CHECK(share["output"] == 0);  // a copy
    CHECK(std::fabs(sum_of(attribution) - 1) <= 1e-12);
    CHECK(attribution.excluded == 0);
  }
}

TEST_CASE("shares of any target sum to 1, for every built-in recipe and for foreign dumps of few slots") {
  const auto check = [](const std::string& what, const judge::Evidence& evidence) {
    for (const char* target : {"output", "grad.hidden", "grad.w_gate", "grad.ape"}) {
      INFO(what << ", target " << target);
      const auto attribution = judge::attribute_by_ladder(evidence, compressor::parse_slot(target));
      if (evidence.recipe.name == "fp64") {
        CHECK_FALSE(attribution.steps.front().contribution.share);
        continue;
      }
      CHECK(attribution.excluded == 0);
      CHECK(std::fabs(sum_of(attribution) - 1) <= 1e-9);
    }
  };
  const judge::Exact exact = judge::exact_in_fp64();
  for (const char* name : {"csa-small", "hca-tiny"}) {
    const auto problem = test::golden_problem(name);
    for (const std::string& recipe_name : compressor::builtin_recipe_names()) {
      const auto recipe = compressor::load_recipe(recipe_name);
      const auto run = compressor::run_traced(problem, recipe, {});
      check(std::string(name) + " " + recipe_name, {problem, recipe, run.tape, exact});
    }
  }
  for (const auto& [run, recipe] : {std::pair{"hf-bf16", "hf"},
                                    {"pr3810-bf16-eager", "pr3810"},
                                    {"maxtext-bf16-eager", "maxtext"},
                                    {"hf-fp32", "hf-fp32"}}) {
    const Foreign foreign("csa-small", run, recipe);
    check(run, foreign.evidence());
  }
}

TEST_CASE("by certified truth shares sum to 1 within their radius, and fp64's lie within it but for fp64's own error") {
  const judge::Exact certified = reference::exact_in("certified");
  for (const char* name : {"csa-small", "hca-tiny"}) {
    for (const char* run : {"hf-bf16", "hf-fp32"}) {
      const Foreign foreign(name, run, run == std::string("hf-bf16") ? "hf" : "hf-fp32");
      judge::Evidence evidence{foreign.judged, foreign.recipe, foreign.dump.tape, certified, &foreign.dump.partial, 1};
      for (const char* target : {"output", "grad.hidden", "grad.w_gate"}) {
        INFO(name << " " << run << ", target " << target);
        const auto found = judge::attribute_by_ladder(evidence, compressor::parse_slot(target));
        const auto plain = judge::attribute_by_ladder(foreign.evidence(), compressor::parse_slot(target));
        double radius = 0;
        double sizes = 0;
        for (std::size_t i = 0; i < found.steps.size(); ++i) {
          const judge::Contribution& step = found.steps[i].contribution;
          radius += step.radius.value();
          sizes += std::fabs(step.share.value());
          CHECK(std::fabs(plain.steps[i].contribution.share.value() - *step.share) <= 1e-6);
          CHECK_FALSE(plain.steps[i].contribution.radius);
        }
        // The sum of the shares is itself rounded, once a step.
        CHECK(std::fabs(sum_of(found) - 1) <= radius + static_cast<double>(found.steps.size()) * 0x1p-53 * sizes);
        CHECK(radius > 0);
        CHECK(radius <= 1e-9);
      }
    }
  }
}

TEST_CASE("shares of every built-in recipe and target sum to 1 within their radius, by certified truth") {
  const judge::Exact certified = reference::exact_in("certified");
  const auto problem = test::golden_problem("csa-tiny");
  for (const std::string& name : compressor::builtin_recipe_names()) {
    const auto recipe = compressor::load_recipe(name);
    const auto run = compressor::run_traced(problem, recipe, {});
    const judge::Evidence evidence{problem, recipe, run.tape, certified};
    for (const char* target : {"output", "grad.hidden", "grad.w_gate", "grad.ape"}) {
      INFO(name << ", target " << target);
      const auto found = judge::attribute_by_ladder(evidence, compressor::parse_slot(target));
      double radius = 0;
      double sizes = 0;
      for (const auto& step : found.steps) {
        // Where a step adds nothing, exactly, there is no radius either.
        radius += step.contribution.radius.value_or(0);
        sizes += std::fabs(step.contribution.share.value());
      }
      CHECK(std::fabs(sum_of(found) - 1) <= radius + static_cast<double>(found.steps.size()) * 0x1p-53 * sizes);
      CHECK(radius > 0);
      CHECK(radius <= 1e-9);
      CHECK(found.excluded == 0);
    }
  }
}

TEST_CASE("a stage that a dump does not hold merges into the next step that needs it") {
  const Foreign foreign("csa-small", "pr3810-bf16-eager", "pr3810");
  const auto attribution = judge::attribute_by_ladder(foreign.evidence(), compressor::parse_slot("grad.w_gate"));
  std::map<std::string, std::string> owners;
  for (const auto& step : attribution.steps)
    owners[step.slot ? compressor::to_string(*step.slot) : "inputs"] = step.owner;
  CHECK(owners.at("kv") == "project_kv");
  CHECK(owners.at("weights") == "window + bias + softmax (merged)");
  CHECK(owners.at("normed") == "normalize + scale (merged)");
  CHECK(owners.count("logits") == 0);
}

TEST_CASE("the tangent agrees with the ladder but for what is not linear, and single switches do not") {
  const std::array<std::pair<std::string, double>, 4> cases{
      {{"csa-small", .0023}, {"hca-small", .0033}, {"csa-hard", .0143}, {"hca-hard", .0230}}};
  for (const auto& [name, expected] : cases) {
    const Foreign foreign(name, "hf-bf16", "hf");
    const Slot target = compressor::parse_slot("output");
    const auto ladder = judge::attribute(foreign.evidence(), target, judge::AttributionMethod::ladder);
    const auto tangent = judge::attribute(foreign.evidence(), target, judge::AttributionMethod::tangent);
    const auto switched = judge::attribute(foreign.evidence(), target, judge::AttributionMethod::switched);
    INFO(name << ": residuals " << ladder.residual << " " << tangent.residual << " " << switched.residual);
    CHECK(ladder.residual <= 1e-12);
    CHECK(std::fabs(tangent.residual - expected) <= .2 * expected);
    CHECK(switched.residual > 10 * tangent.residual);
    REQUIRE(tangent.steps.size() == ladder.steps.size());
    for (std::size_t i = 0; i < tangent.steps.size(); ++i) {
      const double apart = tangent.steps[i].contribution.share.value() - ladder.steps[i].contribution.share.value();
      CHECK(std::fabs(apart) <= tangent.residual);
    }
  }
}
