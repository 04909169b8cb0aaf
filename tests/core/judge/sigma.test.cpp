// SPDX-License-Identifier: Apache-2.0
// Expected shares: what half an ulp per rounding makes of a target on average.
#include "core/judge/sigma.hpp"

#include <cmath>

#include "core/judge/owners.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;

namespace {

judge::Attribution expected(const Problem& problem, const Recipe& recipe) {
  const judge::Exact exact = judge::exact_in_fp64();
  const Tape run = run_traced(problem, recipe, {}).tape;
  const judge::Evidence evidence{problem, recipe, run, exact};
  judge::Attribution attribution = judge::attribute_by_ladder(evidence, forward(Name::output));
  judge::add_expected_shares(attribution, evidence, judge::deviations_of(evidence));
  return attribution;
}

}  // namespace

TEST_CASE("the only cast of a recipe is expected to own the whole error") {
  const Problem problem = test::golden_problem("csa-small");
  for (const char* stage : {"project_gate", "softmax", "pool", "scale"}) {
    const Recipe recipe = with_setting(load_recipe("fp64"), std::string(stage) + ".storage=bf16");
    for (const judge::Owner& owner : judge::owners_of(expected(problem, recipe))) {
      INFO(stage << ": " << owner.name);
      CHECK(owner.expected.value() == (owner.name == stage ? 1 : 0));
    }
  }
}

TEST_CASE("on a problem of many windows the realised shares are near the expected ones, and both sum to 1") {
  MakeOptions options;
  const Problem problem = make_problem(preset("small-csa"), options);
  for (const char* name : {"hf", "native", "maxtext"}) {
    double sum = 0;
    for (const judge::Owner& owner : judge::owners_of(expected(problem, load_recipe(name)))) {
      INFO(name << ": " << owner.name << " " << owner.share.value() << " " << owner.expected.value());
      sum += owner.expected.value();
      CHECK(std::fabs(owner.share.value() - owner.expected.value()) <= .03);
    }
    CHECK(std::fabs(sum - 1) <= 1e-12);
  }
}

TEST_CASE("a cast deviates by half a spacing over the root of 3, copies and exact values by nothing") {
  const Problem problem = test::golden_problem("csa-tiny");
  const Recipe recipe = with_setting(load_recipe("fp64"), "project_kv.storage=bf16");
  const Tape run = run_traced(problem, recipe, {}).tape;
  const judge::Exact exact = judge::exact_in_fp64();
  const judge::Deviations deviations = judge::deviations_of({problem, recipe, run, exact});
  CHECK(deviations.count(forward(Name::values)) == 0);                           // holds kv's values already
  const std::vector<double>& pooled = deviations.at(forward(Name::pooled)).any;  // what fp64 itself rounds
  for (const double deviation : pooled) CHECK(deviation <= 1e-14);
  const std::vector<double>& kv = deviations.at(forward(Name::kv)).own;
  const Tensor& values = run.find(forward(Name::kv))->tensor;
  double largest = 0;
  for (std::size_t i = 0; i < kv.size(); ++i) {
    const double half = std::ldexp(1, std::ilogb(values.at(i)) - 8);
    largest = std::max(largest, std::fabs(kv[i] / (half / std::sqrt(3.)) - 1));
  }
  CHECK(largest <= .2);  // times the factor by which this draw's own local error exceeds the mean; no value is exact
}
