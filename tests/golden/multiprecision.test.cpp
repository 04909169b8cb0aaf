// SPDX-License-Identifier: Apache-2.0
// The engine in MPFR against mpmath at 80 digits, an independent program: every slot and gradient to 55 digits.
#include <fstream>

#include "core/compressor/evaluate_real.hpp"
#include "core/io/error.hpp"
#include "tests/golden/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/data.hpp"

using namespace ulpscope::compressor;
using namespace ulpscope::test;
using ulpscope::precision::Real;

namespace {

/// Values of a slot as mpmath printed them, 60 digits.
struct Printed {
  Slot slot;
  std::vector<Real> values;
};

std::vector<Printed> printed_slots(const std::string& name) {
  std::ifstream file(ulpscope::test::source_path("tests/golden/" + name + ".mp60.json"));
  const auto json = ulpscope::io::Json::parse(file);
  std::vector<Printed> slots;
  for (const auto& [slot, tensor] : json.at("slots").items()) {
    Printed printed{parse_slot(slot), {}};
    for (const auto& text : tensor.at("values")) {
      const std::string digits = text.get<std::string>();
      printed.values.push_back(digits == "-inf" ? -std::numeric_limits<Real>::infinity() : Real(digits));
    }
    slots.push_back(std::move(printed));
  }
  REQUIRE(slots.size() == 22);
  return slots;
}

/// The first element that differs by more than 1e-55 of itself; the number of elements if none does.
std::size_t first_difference(const std::vector<Real>& ours, const std::vector<Real>& theirs) {
  if (ours.size() != theirs.size()) return 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (ours[i] != theirs[i] && !(abs(ours[i] - theirs[i]) <= Real("1e-55") * abs(theirs[i]))) return i;
  }
  return ours.size();
}

std::vector<Slot> names_of(const std::vector<Printed>& slots) {
  std::vector<Slot> names;
  for (const Printed& printed : slots) names.push_back(printed.slot);
  return names;
}

}  // namespace

TEST_CASE("the multi-precision truth has mpmath's 55 digits in every slot and gradient") {
  const std::string name = GENERATE("csa-tiny", "hca-tiny");
  const unsigned threads = GENERATE(1U, 2U);
  const std::vector<Printed> theirs = printed_slots(name);
  const Values<Real> ours = evaluate_real(golden_problem(name), load_recipe("fp64"), {}, {names_of(theirs), threads});
  for (const Printed& printed : theirs) {
    INFO(name << ", " << to_string(printed.slot) << ", " << threads << " threads");
    CHECK(first_difference(ours.at(printed.slot), printed.values) == printed.values.size());
  }
}

TEST_CASE("a recipe's formats round nothing in the multi-precision truth") {
  const std::string recipe = GENERATE("fp32", "bf16-pure", "hf", "fp64");
  const std::vector<Printed> theirs = printed_slots("csa-tiny");
  const Problem problem = golden_problem("csa-tiny");
  // Formats of `inputs` do count: they are data. Of these inputs only ape and gamma are not bf16 values already.
  const Recipe unrounded = with_setting(with_setting(load_recipe(recipe), "inputs.ape=fp64"), "inputs.gamma=fp64");
  const Values<Real> ours = evaluate_real(problem, unrounded, {}, {names_of(theirs)});
  for (const Printed& printed : theirs) {
    INFO(recipe << ", " << to_string(printed.slot));
    CHECK(first_difference(ours.at(printed.slot), printed.values) == printed.values.size());
  }
}

TEST_CASE("the multi-precision engine refuses slots that nobody computes or holds, and given slots of another size") {
  const Problem problem = golden_problem("csa-tiny");
  const Recipe recipe = load_recipe("fp64");
  const std::vector<Slot> output{forward(Name::output)};
  CHECK_THROWS_AS(evaluate_real(problem, recipe, {}, {{forward(Name::hadamard)}}), ulpscope::InputError);
  CHECK_THROWS_AS(evaluate_real(problem, recipe, {{forward(Name::pooled), {Real(1)}}}, {output}), ulpscope::InputError);
  Problem incomplete = problem;
  incomplete.inputs.erase(Name::gamma);
  CHECK_THROWS_AS(evaluate_real(incomplete, recipe, {}, {output}), ulpscope::InputError);
}
