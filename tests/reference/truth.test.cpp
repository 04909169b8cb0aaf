// SPDX-License-Identifier: Apache-2.0
// The tiers agree within their radii, whole and from pinned slots; fp64 within binary64's own error of both.
#include "reference/truth.hpp"

#include <cmath>

#include "core/compressor/run.hpp"
#include "core/io/error.hpp"
#include "core/judge/truth.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;
using judge::Enclosure;
using judge::Enclosures;

namespace {

/// Elements of two tiers that have no number in common.
std::size_t apart(const Enclosure& a, const Enclosure& b) {
  std::size_t count = a.value.size() == b.value.size() && a.shape == b.shape ? 0 : 1;
  for (std::size_t i = 0; count == 0 && i < a.value.size(); ++i) {
    if (a.value[i] == b.value[i] && !std::isfinite(a.value[i])) continue;
    const double distance = std::fabs((a.value[i] - b.value[i]) + (a.tail[i] - b.tail[i]));
    count += !(distance <= (a.radius[i] + b.radius[i]) * (1 + 0x1p-40)) ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST_CASE("certified and mpfr have a number in common in every slot, and fp64 is near") {
  for (const test::SmallProblem& small : test::small_problems()) {
    const Recipe recipe = judge::truth_recipe(load_recipe("hf"), small.problem.config, judge::Basis::quantized);
    const Tape nothing;
    const judge::ExactRequest request{small.problem, recipe, nothing, program_order(small.problem, recipe)};
    const Enclosures certified = reference::exact_in("certified").run(request);
    const Enclosures mpfr = reference::exact_in("mpfr").run(request);
    const Enclosures fp64 = reference::exact_in("fp64").run(request);
    REQUIRE(certified.size() == request.wanted.size());
    for (const auto& [slot, enclosure] : certified) {
      INFO(small.name << ", " << to_string(slot));
      CHECK(apart(enclosure, mpfr.at(slot)) == 0);
      double largest = 0, error = 0;
      for (std::size_t i = 0; i < enclosure.value.size(); ++i) {
        if (!std::isfinite(enclosure.value[i])) continue;
        largest = std::max(largest, std::fabs(enclosure.value[i]));
        error = std::max(error, std::fabs(enclosure.value[i] - fp64.at(slot).value[i]));
      }
      CHECK(error <= 1e-12 * std::max(largest, 1.0));
    }
  }
}

TEST_CASE("from a run's own slots on: what is given is not computed, a wanted one anew from the others") {
  const test::SmallProblem small = test::small_problems().front();
  const Recipe recipe = judge::truth_recipe(load_recipe("hf"), small.problem.config, judge::Basis::quantized);
  const Run run = run_traced(small.problem, load_recipe("hf"), {});
  Tape given;
  for (const Name name : {Name::kv, Name::gate, Name::weights}) {
    const Record* record = run.tape.find(forward(name));
    given.set(forward(name), record->tensor, record->format);
  }
  const judge::ExactRequest request{small.problem, recipe, given, {forward(Name::weights), forward(Name::output)}};
  const Enclosures certified = reference::exact_in("certified").run(request);
  const Enclosures mpfr = reference::exact_in("mpfr").run(request);
  const Enclosures fp64 = reference::exact_in("fp64").run(request);
  for (const Slot slot : request.wanted) {
    CHECK(apart(certified.at(slot), mpfr.at(slot)) == 0);
    for (std::size_t i = 0; i < certified.at(slot).value.size(); ++i)
      CHECK(std::fabs(certified.at(slot).value[i] - fp64.at(slot).value[i]) <= 1e-13);
  }
  // The weights are the exact stage's on the run's gate, not the run's rounded ones; the output is of the rounded ones.
  CHECK(certified.at(forward(Name::weights)).value != to_doubles(given.find(forward(Name::weights))->tensor));
  const judge::ExactRequest fresh{small.problem, recipe, Tape{}, {forward(Name::output)}};
  CHECK(certified.at(forward(Name::output)).value !=
        reference::exact_in("certified").run(fresh).at(forward(Name::output)).value);
}

TEST_CASE("every tier leaves out what the recipe does not compute") {
  const test::SmallProblem small = test::small_problems().front();
  const Recipe recipe = judge::truth_recipe(load_recipe("hf"), small.problem.config, judge::Basis::quantized);
  const Tape nothing;
  const judge::ExactRequest request{
      small.problem, recipe, nothing, {forward(Name::hadamard), forward(Name::log_denominator), forward(Name::kv)}};
  for (const std::string& tier : reference::truth_tiers()) CHECK(reference::exact_in(tier).run(request).size() == 1);
}

TEST_CASE("an unknown tier is refused with the known ones") {
  CHECK_THROWS_AS(reference::exact_in("exact"), InputError);
  CHECK(reference::truth_tiers().size() == 3);
}
