// SPDX-License-Identifier: Apache-2.0
// Ports with one known bug: compare refuses each at the right stage, and its sentence says what is wrong.
#include <set>

#include "app/verbs.hpp"
#include "core/judge/render.hpp"
#include "tests/golden/golden.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::test;

namespace {

struct Mutant {
  const char* name;
  const char* first_slot;  ///< in program order
  const char* stage;       ///< that wrote it
  const char* diagnosis;
  const char* sentence;  ///< part of the first sentence of the summary
};

constexpr Mutant mutants[] = {
    {"halves-swapped", "values", "window", "halves", "the halves are swapped in values"},
    {"pad-gate-0", "logits", "window", "pads", "the padded slots 0..3 of window 0 hold 0 instead of -inf"},
    {"rope-at-i", "rotated", "rotate", "rope", "fits position i instead of i*4"},
    {"ape-bf16", "logits", "window", "input_rounding", "ape rounded to bf16"},
    {"weights-constant", "grad.ape", "bias", "no_gradient", "no gradient passes through the softmax weights"},
    {"kv-nan-in-pad", "values", "window", "pads", "NaN enters at values in slots 0..3 of window 0"},
};

app::Outcome compared(const std::string& problem, const std::string& dump, const std::string& recipe) {
  app::CompareOptions options;
  options.problem = golden_path(problem + ".problem");
  options.dump = golden_path(dump);
  options.recipe = recipe;
  return app::compare(options);
}

/// The first row that fails; null: none does.
io::Json first_failure(const io::Json& report) {
  for (const io::Json& row : report["runs"][0]["rows"]) {
    if (row["status"] == "fail") return row;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("every mutant is refused where its bug is, and the sentence names the bug") {
  for (const Mutant& mutant : mutants) {
    const app::Outcome outcome = compared("csa-small", std::string("csa-small.mutant-") + mutant.name, "fp32");
    INFO(mutant.name);
    CHECK(outcome.exit == 1);
    const io::Json row = first_failure(outcome.report);
    REQUIRE(row != nullptr);
    CHECK(row["slot"] == mutant.first_slot);
    CHECK(row["stage"] == mutant.stage);
    CHECK(outcome.report["runs"][0]["verdict"]["diagnosis"] == mutant.diagnosis);
    const std::string sentence = outcome.report["summary"][0];
    CHECK(sentence.find(std::string("At stage ") + mutant.stage + ":") != std::string::npos);
    CHECK(sentence.find(mutant.sentence) != std::string::npos);
  }
}

TEST_CASE("the certificates of the dump with NaN in its pads name window 0, slots 0..3, and the cure") {
  const io::Json report = compared("csa-small", "csa-small.mutant-kv-nan-in-pad", "fp32").report;
  std::set<std::size_t> slots;
  for (const io::Json& birth : report["runs"][0]["nonfinite"]) {
    CHECK(birth["slot"] == "values");
    CHECK(birth["window"] == 0);
    CHECK(birth["class"] == "from pad");
    CHECK(birth["cure"] == "pad.kv=0: 0 held in the padded rows of values");
    slots.insert(birth["softmax_slot"].get<std::size_t>());
  }
  CHECK(slots == std::set<std::size_t>{0, 1, 2, 3});
  const std::string last = report["summary"].back();
  CHECK(last.find(" over the 512 of 576 elements that are finite in both.") != std::string::npos);
  CHECK(judge::terminal_text(report, judge::Colour::off).find("values, window 0, slots 0..3") != std::string::npos);
}

TEST_CASE("honest runs of Hugging Face pass against their own recipes") {
  for (const std::string& name : golden_cases()) {
    INFO(name);
    const app::Outcome bf16 = compared(name, name + ".hf-bf16", "hf");
    CHECK(first_failure(bf16.report) == nullptr);
    CHECK(bf16.exit == 0);
    CHECK(compared(name, name + ".hf-fp32", "hf-fp32").exit == 0);
  }
}

TEST_CASE("an honest run of Hugging Face on a device passes as recipe hf-cuda, and differs from hf in rsqrt alone") {
  for (const std::string name : {"csa-small", "csa-hard", "hca-hard", "csa-batch16"}) {
    INFO(name);
    const app::Outcome device = compared(name, name + ".hf-cuda-bf16", "hf-cuda");
    CHECK(first_failure(device.report) == nullptr);
    CHECK(device.exit == 0);
  }
  const app::Outcome as_on_a_cpu = compared("csa-batch16", "csa-batch16.hf-cuda-bf16", "hf");
  REQUIRE(first_failure(as_on_a_cpu.report) != nullptr);
  CHECK(first_failure(as_on_a_cpu.report)["slot"] == "normalized");
  const std::string sentence = as_on_a_cpu.report["summary"][0];
  CHECK(sentence.find("normalized is what normalize.rsqrt=cuda makes") != std::string::npos);
}

TEST_CASE("Hugging Face's bf16 run does not pass as another implementation's") {
  CHECK(compared("csa-small", "csa-small.hf-bf16", "fp32").exit == 1);
  CHECK(compared("csa-small", "csa-small.hf-bf16", "maxtext-bf16").exit == 1);
  CHECK(compared("csa-small", "csa-small.hf-bf16", "native").exit == 1);
}
