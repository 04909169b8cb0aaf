// SPDX-License-Identifier: Apache-2.0
// Baselines: what their bits mean, that they are read back as written, and what is refused.
#include "core/judge/baseline.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "core/io/error.hpp"
#include "core/io/json_schema.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/data.hpp"

namespace {

using namespace ulpscope;
using judge::BlessedSlot;

const double not_a_number = std::numeric_limits<double>::quiet_NaN();

std::string bits(std::vector<double> values, compressor::Shape shape = {}) {
  if (shape.empty()) shape = {values.size()};
  return judge::bits_of({std::move(shape), std::move(values), io::DType::f64});
}

judge::Baseline sample() {
  judge::Baseline baseline;
  baseline.provenance = {{"version", "0"}, {"commit", "c"}};
  baseline.problems["a.safetensors"] = {"a.safetensors", "", 0, "abc"};
  baseline.problems["preset small-csa, seed 7"] = {"", "small-csa", 7, "def"};
  baseline.recipes["hf"] = {true, {{"name", "hf"}}};
  judge::BlessedRun run{"a.safetensors", "hf", "traced"};
  run.slots["pooled"] = {"0123456789abcdef", "bf16", judge::Status::ok, 1.25e-3, 0.5, 3};
  run.slots["logits"] = {"fedcba9876543210", "fp32",       judge::Status::fail, not_a_number,
                         HUGE_VAL,           not_a_number, {{"neg_inf", 12}}};
  baseline.runs["a.safetensors, hf, traced"] = run;
  return baseline;
}

void check_refused(const io::Json& json, const std::string& tells) {
  INFO(tells);
  try {
    judge::baseline_from_json(json, "b.json");
    FAIL("was read");
  } catch (const InputError& error) {
    CHECK_THAT(error.what(), Catch::Matchers::Contains(tells));
  }
}

}  // namespace

TEST_CASE("bits tell zeros, shapes, last bits apart, and no NaN from another") {
  CHECK(bits({0.0, 1.0}) != bits({-0.0, 1.0}));
  CHECK(bits({0.0, 1.0}) != bits({0.0, 1.0}, {2, 1}));
  CHECK(bits({1.0}) != bits({1.0 + 0x1p-52}));
  CHECK(bits({1.0}) != bits({1.0 + 0x1p-23}));
  CHECK(bits({not_a_number, 1.0}) == bits({-not_a_number, 1.0}));
  CHECK(bits({not_a_number}) != bits({HUGE_VAL}));
  CHECK(bits({1e300, 1.0}) != bits({1e300, 2.0}));
  CHECK(bits({0.5}).size() == 16);
}

TEST_CASE("bits are of the values, whatever they are carried in") {
  const compressor::Tensor narrow{{3}, std::vector<float>{0.5F, -1.25F, 3.0F}, io::DType::bf16};
  CHECK(judge::bits_of(narrow) == bits({0.5, -1.25, 3.0}));
}

TEST_CASE("a long tensor's bits depend on all of it") {
  std::vector<double> values(50000, 0.5);
  const std::string before = bits(values);
  values[17000] = 0.75;
  CHECK(bits(values) != before);
  values[17000] = 0.5;
  values.back() = 0.25;
  CHECK(bits(values) != before);
}

TEST_CASE("a baseline is read back as it was written, and follows its schema") {
  const judge::Baseline baseline = sample();
  const std::string text = judge::baseline_text(baseline);
  const judge::Baseline again = judge::baseline_from_json(io::parse_json(text, "b"), "b");
  CHECK(judge::baseline_text(again) == text);
  const auto& slots = again.runs.at("a.safetensors, hf, traced").slots;
  CHECK(slots.at("pooled") == baseline.runs.at("a.safetensors, hf, traced").slots.at("pooled"));
  CHECK(std::isinf(slots.at("logits").max_abs));
  CHECK(std::isnan(slots.at("logits").rms_rel));
  CHECK(slots.at("logits").classes.at("neg_inf") == 12);
  CHECK(again.problems.at("preset small-csa, seed 7").seed == 7);
  const io::Json schema = io::read_json(test::source_path("core/judge/schemas/baseline.schema.json"));
  CHECK(io::SchemaChecker(schema).faults(io::parse_json(text, "b")).empty());
}

TEST_CASE("a baseline's text has one line per slot, keys sorted") {
  std::istringstream lines(judge::baseline_text(sample()));
  std::vector<std::string> found;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("\"bits\"") != std::string::npos) found.push_back(line.substr(0, line.find(':')));
  }
  CHECK(found == std::vector<std::string>{"        \"logits\"", "        \"pooled\""});
}

TEST_CASE("what is no baseline is one sentence") {
  const io::Json good = judge::to_json(sample());
  check_refused(io::Json::array(), "b.json");
  check_refused({{"schema", "ulpscope.baseline/9"}}, "ulpscope.baseline/1");
  for (const char* field : {"provenance", "truth", "basis", "problems", "recipes", "runs"}) {
    io::Json lacking = good;
    lacking.erase(field);
    check_refused(lacking, field);
  }
  io::Json changed = good;
  changed["extra"] = 1;
  check_refused(changed, "extra");
  changed = good;
  changed["runs"]["a.safetensors, hf, traced"]["problem"] = "b.safetensors";
  check_refused(changed, "unknown problem 'b.safetensors'; did you mean 'a.safetensors'?");
  changed = good;
  changed["runs"]["a.safetensors, hf, traced"]["recipe"] = "hff";
  check_refused(changed, "unknown recipe 'hff'; did you mean 'hf'?");
  changed = good;
  changed["runs"]["a.safetensors, hf, traced"]["slots"]["pooled"]["status"] = "fine";
  check_refused(changed, "status");
  changed = good;
  changed["runs"]["a.safetensors, hf, traced"]["slots"]["pooled"]["rms_rel"] = "much";
  check_refused(changed, "rms_rel");
  changed = good;
  changed["runs"]["a.safetensors, hf, traced"]["slots"] = 3;
  check_refused(changed, "slots");
  changed = good;
  changed["problems"]["a.safetensors"] = {{"preset", "small-csa"}, {"seed", -1}, {"sha256", "x"}};
  check_refused(changed, "seed");
}
