// SPDX-License-Identifier: Apache-2.0
// Certified truth of the golden problems: against intervals over MPFR, how tight it is, and the float64 dumps in it.
#include "tests/golden/golden.hpp"
#include "tests/golden/support/majorant.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/enclosures.hpp"

using namespace ulpscope::compressor;
using namespace ulpscope::test;
using ulpscope::precision::Enclosed;
using ulpscope::precision::Interval;

namespace {

std::vector<double> sizes_of(const std::vector<Majorant>& values) {
  std::vector<double> sizes;
  for (const Majorant& value : values) sizes.push_back(value.size);
  return sizes;
}

}  // namespace

TEST_CASE("enclosures and intervals over MPFR have a number in common, everywhere, and radii are below 2^-70") {
  const std::string name = GENERATE(from_range(golden_cases()));
  const Problem problem = golden_problem(name);
  const Recipe recipe = load_recipe("fp64");
  const Wanted all = every_slot(problem, recipe);
  const Values<Enclosed> ours = evaluate_enclosed(problem, recipe, {}, all);
  const Values<Interval> theirs = evaluate_interval(problem, recipe, {}, all);
  const Values<Majorant> sizes = evaluate_majorant(problem, recipe, all);
  REQUIRE(ours.size() == all.slots.size());
  for (const Slot slot : all.slots) {
    INFO(name << ", " << to_string(slot));
    const Agreement found = compare(ours.at(slot), theirs.at(slot), sizes_of(sizes.at(slot)));
    CHECK(found.apart == 0);
    CHECK(found.unbounded == 0);
    CHECK(found.loosest <= 0x1p-70);
    const bool projection = slot == forward(Name::kv) || slot == forward(Name::gate);
    if (projection) CHECK(found.loosest == 0);  // of bf16 values: exact by certificate
  }
}

TEST_CASE("float64 dumps lie within certified truth and the bound of binary64 on the same formulas") {
  const std::string name = GENERATE(from_range(golden_cases()));
  const Problem problem = golden_problem(name);
  const Recipe recipe = load_recipe("fp64");
  const auto dump = golden_dump(name + ".fp64", problem);
  const Wanted all = every_slot(problem, recipe);
  const Values<Enclosed> truth = evaluate_enclosed(problem, recipe, {}, all);
  const Values<Majorant> sizes = evaluate_majorant(problem, recipe, all);
  std::size_t compared = 0;
  for (const auto& [slot, record] : dump.tape.records()) {
    std::size_t outside = 0;
    for (std::size_t i = 0; i < record.tensor.size(); ++i) {
      const Enclosed& exact = truth.at(slot)[i];
      const Majorant& size = sizes.at(slot)[i];
      const double distance = std::fabs((record.tensor.at(i) - exact.high) - exact.low);
      const bool same = record.tensor.at(i) == exact.high;  // infinities too
      outside += !same && !(distance <= exact.radius + (size.depth + 1) * 0x1p-53 * size.size) ? 1 : 0;
    }
    INFO(name << ", " << to_string(slot));
    CHECK(outside == 0);
    ++compared;
  }
  CHECK(compared >= 20);
}
