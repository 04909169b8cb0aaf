// SPDX-License-Identifier: Apache-2.0
// A failing window, cut out, fails in the same way: faults planted in random windows of every kind of slot.
#include "core/judge/failing_case.hpp"

#include "core/compressor/arithmetic_plan.hpp"
#include "core/judge/layout.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/problems.hpp"
#include "tests/support/random.hpp"

using namespace ulpscope;
using compressor::Problem;
using compressor::Recipe;

namespace {

/// A dump that holds every slot is quickly replayed.
enum class Holds { every_slot, that_slot };
/// One wrong element.
struct Fault {
  std::string slot;
  std::size_t index;
  Holds holds = Holds::every_slot;
};

/// The case of a dump with a fault.
std::optional<judge::FailingCase> case_of(const Problem& problem, const Recipe& recipe, const Fault& fault) {
  judge::Dump dump = test::own_dump(problem, recipe);
  auto values = test::values_of(dump, fault.slot);
  values.at(fault.index) = 2 * values.at(fault.index) + 1;
  if (fault.holds == Holds::that_slot) test::keep_only(dump, {fault.slot});
  test::set_values(dump, fault.slot, values);
  const judge::RunReport report = test::judged(problem, dump, recipe);
  REQUIRE(report.verdict);
  return judge::failing_window(problem, dump, recipe, *report.verdict);
}

judge::RunReport judged_alone(const judge::FailingCase& one, const Recipe& recipe) {
  judge::Dump dump;
  dump.tape = one.tape;
  dump.source = "case";
  return test::judged(one.problem, dump, recipe);
}

/// The last element of a slot in a window; what its window then is called.
std::size_t element_in(const Problem& problem, const std::string& slot, std::size_t batch, std::size_t window) {
  const compressor::Slot which = compressor::parse_slot(slot);
  const auto shape = compressor::shape_of(which, problem.config);
  const judge::Layout layout = judge::layout_of(which, shape, problem.config);
  const std::size_t row = batch * layout.rows_per_batch + (window + 1) * layout.rows_per_window - 1;
  return row * layout.channels + layout.channels - 1;
}

}  // namespace

TEST_CASE("a fault in any window of any slot that stands alone is cut out, with its place") {
  test::Random random(5);
  for (const char* name : {"csa-batch16", "hca-small"}) {
    const Problem problem = test::golden_problem(name);
    const Recipe recipe = compressor::load_recipe("hf");
    for (const char* slot : {"kv", "logits", "weights", "products", "pooled", "normed", "rotated", "grad.normed",
                             "grad.weights", "grad.values"}) {
      if (!compressor::Plan(recipe, problem.config).config().rope && std::string(slot) == "rotated") continue;
      const auto batch = random.index(problem.config.batch);
      const auto window = random.index(problem.config.windows());
      INFO(name << " " << slot << " batch row " << batch << " window " << window);
      const auto made = case_of(problem, recipe, {slot, element_in(problem, slot, batch, window)});
      REQUIRE(made);
      CHECK(made->about == "window " + std::to_string(window) + " of batch row " + std::to_string(batch));
      CHECK(made->problem.config.seq == problem.config.ratio);
      CHECK(made->problem.config.batch == 1);
      const judge::RunReport report = judged_alone(*made, recipe);
      REQUIRE(report.verdict);
      CHECK(compressor::to_string(report.verdict->slot) == slot);
    }
  }
}

TEST_CASE("with overlap the window before is given, whether the dump holds its rows or not") {
  const Problem problem = test::golden_problem("csa-batch16");
  const Recipe recipe = compressor::load_recipe("fp32");
  for (const Holds holds : {Holds::every_slot, Holds::that_slot}) {
    const auto made = case_of(problem, recipe, {"pooled", element_in(problem, "pooled", 3, 1), holds});
    REQUIRE(made);
    CHECK(made->problem.has(compressor::Name::prior_kv));
    const auto first = case_of(problem, recipe, {"pooled", element_in(problem, "pooled", 3, 0), holds});
    REQUIRE(first);
    CHECK_FALSE(first->problem.has(compressor::Name::prior_kv));
  }
}

TEST_CASE("sums over tokens, and gradients that two windows share, are no case of one window") {
  const Problem csa = test::golden_problem("csa-batch16");
  const Recipe recipe = compressor::load_recipe("fp32");
  CHECK_FALSE(case_of(csa, recipe, {"grad.ape", 7}));
  CHECK_FALSE(case_of(csa, recipe, {"grad.gamma", 3}));
  CHECK_FALSE(case_of(csa, recipe, {"grad.gate", 11}));
  const Problem hca = test::golden_problem("hca-small");
  CHECK(case_of(hca, recipe, {"grad.gate", element_in(hca, "grad.gate", 0, 1)}));
}

TEST_CASE("a window whose neighbour is masked does not fail alone as it does in its place: no case") {
  Problem problem = test::golden_problem("csa-batch16");
  test::add_mask_and_segments(problem);
  const Recipe masked = test::with_settings(compressor::load_recipe("fp32"), {"mask=pad", "segments=strict"});
  std::size_t cut = 0, whole = 0;
  for (std::size_t window = 0; window < problem.config.windows(); ++window) {
    const auto made = case_of(problem, masked, {"pooled", element_in(problem, "pooled", 1, window)});
    (made ? cut : whole) += 1;
    if (made) CHECK(judged_alone(*made, masked).verdict);
  }
  CHECK(cut > 0);
  CHECK(whole > 0);
}
