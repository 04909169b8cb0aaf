// SPDX-License-Identifier: Apache-2.0
// Advice: every number in it is found again by other means, and the change that it names is the best of those tried.
#include "app/advice.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/compressor/run.hpp"
#include "core/judge/compare.hpp"
#include "core/judge/owners.hpp"
#include "core/judge/text_table.hpp"
#include "core/judge/truth.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/problems.hpp"

using namespace ulpscope;
using namespace ulpscope::compressor;
using Catch::Matchers::Contains;

namespace {

const Problem problem = test::golden_problem("csa-small");
const judge::Exact exact = judge::exact_in_fp64();

/// The advice on a run of a recipe, and its report.
struct Given {
  explicit Given(const Recipe& of, Slot target = forward(Name::output), double most = app::most_operations_of_advice)
      : recipe(of) {
    const Run run = run_traced(problem, recipe, {});
    judge::Truth truth{{}, judge::truth_recipe(recipe, problem.config, judge::Basis::quantized), {}};
    truth.tape = run_traced(problem, truth.recipe, {}).tape;
    report = judge::measure_run(problem, run, truth, 1);
    const judge::Evidence evidence{problem, recipe, run.tape, exact};
    judge::split_errors(report, evidence, truth.tape);
    judge::add_attribution(report, evidence, {target, judge::AttributionMethod::ladder});
    const auto again = [&](const Recipe& changed, const Tape& given) {
      ++runs;
      const Tape whole = run_traced(problem, changed, {}).tape;
      for (const auto& [slot, record] : given.records()) {
        ++kept;
        wrong += to_doubles(record.tensor) != to_doubles(whole.find(slot)->tensor);
      }
      return run_from(problem, changed, {given, {target}}, {}).tape.find(target)->tensor;
    };
    sentences = app::advice_on({problem, recipe, run.tape, report, exact, again, 1, most});
  }

  Recipe recipe;
  judge::RunReport report;
  std::size_t runs = 0;
  std::size_t kept = 0;   ///< slots that were not computed again
  std::size_t wrong = 0;  ///< of them: the change reaches them
  std::vector<std::string> sentences;
};

/// ||output - truth of the inputs as given|| / ||truth||.
double error_of(const Recipe& recipe) {
  const Recipe truth = judge::truth_recipe(recipe, problem.config, judge::Basis::given);
  const std::vector<double> there = to_doubles(run_traced(problem, truth, {}).tape.find(forward(Name::output))->tensor);
  const std::vector<double> here = to_doubles(run_traced(problem, recipe, {}).tape.find(forward(Name::output))->tensor);
  double error = 0, norm = 0;
  for (std::size_t i = 0; i < here.size(); ++i) {
    error += (here[i] - there[i]) * (here[i] - there[i]);
    norm += there[i] * there[i];
  }
  return std::sqrt(error / norm);
}

judge::RunReport run_with(const char* name, const char* format, double error, std::size_t of_problem = 0) {
  judge::RunReport run;
  run.recipe = name;
  run.problem = of_problem;
  judge::Row row;
  row.slot = forward(Name::output);
  row.format = format;
  row.metrics.emplace();
  row.metrics->count = row.metrics->compared = 1;
  row.metrics->rms_rel = error;
  run.rows.push_back(row);
  run.attribution = judge::Attribution{forward(Name::output), {}, {}};
  return run;
}

}  // namespace

TEST_CASE("the only coarse cast is named, with the error that is left without it: none") {
  const Given given(with_setting(load_recipe("fp64"), "pool.storage=bf16"));
  REQUIRE(given.sentences.size() == 3);
  INFO(given.sentences[0]);
  CHECK_THAT(given.sentences[0], Contains("Change. pool owns 100% of the squared error of output in ") &&
                                     Contains("--set pool.storage=fp32 buys most: the error is ") &&
                                     Contains("100% less"));
  CHECK_THAT(given.sentences[0], Contains("instead of " + judge::short_number(error_of(given.recipe))));
  CHECK_THAT(given.sentences[2], Contains("Leave. ") && Contains("project_kv") && !Contains(" pool,"));
}

TEST_CASE("of a recipe's own casts the change that it names is measured, and no other that it ran is better") {
  const Given given(load_recipe("hf"));
  const std::string& sentence = given.sentences[0];
  INFO(sentence);
  const std::size_t at = sentence.find("--set ") + 6;
  const std::string setting = sentence.substr(at, sentence.find(' ', at) - at);
  const double before = error_of(given.recipe), after = error_of(with_setting(given.recipe, setting));
  CHECK_THAT(sentence, Contains(fmt::format("the error is {} instead of {}, {:.0f}% less.", judge::short_number(after),
                                            judge::short_number(before), 100 * (1 - after / before))));
  CHECK_THAT(sentence, Contains(fmt::format("of {} changes of one format", given.runs)));
  for (const char* other : {"project_kv.storage=fp32", "project_gate.storage=fp32", "softmax.storage=fp32"}) {
    INFO(other << " " << error_of(with_setting(given.recipe, other)));
    CHECK(after <= error_of(with_setting(given.recipe, other)));
  }
}

TEST_CASE("formats before a cast that makes all of a stage's error are not tried: they would buy nothing; others are") {
  const Given given(load_recipe("hf"));
  CHECK(given.runs == 3);  // the casts of three owners
  const double before = error_of(given.recipe);
  for (const char* stage : {"project_kv", "project_gate", "softmax"}) {
    for (const char* role : {".accumulate=fp64", ".compute=fp64"}) {
      INFO(stage << role);
      CHECK(error_of(with_setting(given.recipe, std::string(stage) + role)) > .999 * before);
    }
  }
  const Given coarse(with_setting(load_recipe("fp64"), "pool.accumulate=bf16"));
  INFO(coarse.sentences[0]);
  CHECK_THAT(coarse.sentences[0], Contains("--set pool.accumulate=fp32 buys most"));
}

TEST_CASE("a changed recipe is run from slots that the change does not reach: they are a whole run's") {
  for (const char* name : {"hf", "maxtext", "bf16-pure"}) {
    for (const Slot target : {forward(Name::output), gradient(Name::w_gate), gradient(Name::ape)}) {
      const Given given(load_recipe(name), target);
      INFO(name << ", " << to_string(target));
      CHECK(given.runs > 0);
      CHECK(given.kept > 4 * given.runs);
      CHECK(given.wrong == 0);
    }
  }
}

TEST_CASE("on a problem that is too large no change is run, and the first sentence says so; the others stand") {
  const Given given(load_recipe("hf"), forward(Name::output), 1e3), usual(load_recipe("hf"));
  CHECK(given.runs == 0);
  REQUIRE(given.sentences.size() == 3);
  CHECK_THAT(given.sentences[0], Contains("Change. ") && Contains("no change is tried: a run takes ") &&
                                     Contains("operations in its projections, more than 1.0e+03."));
  CHECK(given.sentences[1] == usual.sentences[1]);
  CHECK(given.sentences[2] == usual.sentences[2]);
}

TEST_CASE("what amplifies is what hands on more of a relative error than it received, by the rows' own numbers") {
  const Given given(load_recipe("hf"));
  INFO(given.sentences[1]);
  CHECK_THAT(given.sentences[1],
             Contains("Amplifies. ") && Contains("of the relative error that it receives (") && Contains(" in "));
  // Gates enter an exponential: their errors, relative to themselves, come out larger. A gradient's target goes
  // further.
  const Given backward(load_recipe("hf"), gradient(Name::w_gate));
  CHECK_THAT(backward.sentences[1], Contains("backward "));
}

TEST_CASE("stages of less than 1% are left, and their shares summed") {
  const Given given(load_recipe("hf"));
  double together = 0;
  for (const judge::Owner& owner : judge::owners_of(*given.report.attribution)) {
    const double share = owner.share.value();
    INFO(owner.name << " " << share << ": " << given.sentences[2]);
    const bool is_left = given.sentences[2].find(owner.name) != std::string::npos;
    CHECK(is_left == (std::fabs(share) < .01));
    together += is_left ? share : 0;
  }
  CHECK_THAT(given.sentences[2],
             Contains(std::fabs(together) < 1e-3 ? "less than 0.1%" : fmt::format("{:.1f}%", 100 * together)));
}

TEST_CASE("no error, no attribution: no advice") {
  CHECK(Given(load_recipe("fp64")).sentences.empty());
  judge::RunReport without;
  CHECK(app::advice_on({problem, load_recipe("hf"), {}, without, exact, {}}).empty());
}

TEST_CASE("worth advice is the nearest to the truth among those of the commonest format") {
  std::vector<judge::RunReport> runs{run_with("fp32", "fp32", 1e-7), run_with("hf", "bf16", 3e-3),
                                     run_with("maxtext", "bf16", 2e-3), run_with("elsewhere", "bf16", 1e-3, 1),
                                     run_with("exact", "bf16", 0)};
  runs.push_back(run_with("unattributed", "bf16", 1e-4));
  runs.back().attribution.reset();
  REQUIRE(app::worth_advice(runs, 0) != nullptr);
  CHECK(app::worth_advice(runs, 0)->recipe == "maxtext");
  CHECK(app::worth_advice(runs, 1)->recipe == "elsewhere");
  CHECK(app::worth_advice(runs, 2) == nullptr);
}
