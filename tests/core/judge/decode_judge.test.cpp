// SPDX-License-Identifier: Apache-2.0
// Tensors of decoding in chunks: judged against the recipe's run in the same chunks, certified in the whole run's
// slots.
#include "core/judge/decode_judge.hpp"

#include <algorithm>
#include <cmath>

#include "core/compressor/decode.hpp"
#include "core/judge/compare.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using judge::Status;

namespace {

/// A decode in chunks of our own, as a dump.
judge::Dump decoded_dump(const compressor::Problem& problem, const compressor::Recipe& recipe,
                         const std::vector<std::size_t>& chunks) {
  auto file = judge::decoded_to_file(compressor::run_chunks(problem, recipe, chunks, {}), problem.config, {});
  file.metadata["chunks"] = io::Json(chunks).dump();
  return judge::dump_from_file(file, problem, {}, "decoded");
}

/// Sets one element of a tensor that is on no slot.
void plant(judge::Dump& dump, const std::string& name, std::size_t index, double value) {
  auto& tensor = dump.others.at(name);
  auto values = io::to_doubles(tensor);
  values.at(index) = value;
  tensor = io::from_values(values, tensor.shape, tensor.dtype);
}

}  // namespace

TEST_CASE("entries and state of decoding are judged against the recipe's run in the same chunks") {
  const auto problem = test::golden_problem("csa-tiny");  // S = 13, ratio 4
  const auto recipe = compressor::load_recipe("hf");
  auto dump = decoded_dump(problem, recipe, {9, 1, 3});
  const auto report = test::judged(problem, dump, recipe);
  CHECK(judge::exit_code(report) == 0);
  for (const char* name : {"entries.00", "entries.01", "entries.02", "state.kv", "state.gate"}) {
    const auto row =
        std::find_if(report.rows.begin(), report.rows.end(), [&](const judge::Row& one) { return one.tensor == name; });
    INFO(name);
    REQUIRE(row != report.rows.end());
    CHECK(row->status == Status::ok);
    CHECK(row->replay->bits_equal == 1);
  }

  auto& entry = dump.others.at("entries.01");
  auto values = io::to_doubles(entry);
  values.back() += 1;
  entry = io::from_values(values, entry.shape, entry.dtype);
  const auto broken = test::judged(problem, dump, recipe);
  CHECK(judge::exit_code(broken) == 1);
  REQUIRE(broken.verdict);
  CHECK(judge::name_of(*broken.verdict) == "entries.01");

  entry = io::from_values(std::vector<double>(8), {1, 1, 8}, io::DType::f32);
  CHECK(judge::exit_code(test::judged(problem, dump, recipe)) == 1);  // another number of entries
  CHECK(judge::exit_code(test::judged(problem, test::golden_dump("csa-tiny.hf-fp32", problem), std::nullopt)) == 3);
}

TEST_CASE("what is not finite in a tensor of decoding is certified in the whole run's slot, with its window") {
  const auto problem = test::golden_problem("csa-tiny");  // S = 13, ratio 4
  const auto recipe = compressor::load_recipe("hf");
  for (const bool has_output : {true, false}) {
    auto dump = decoded_dump(problem, recipe, {9, 1, 3});
    if (!has_output) dump.tape = {};
    CHECK(test::judged(problem, dump, recipe).nonfinite.empty());
    const std::size_t d = problem.config.head_dim;
    plant(dump, "entries.00", d + 2, std::nan(""));  // of two windows; later entries hold a number there
    plant(dump, "entries.01", d + 3, std::nan(""));
    plant(dump, "state.kv", 1, HUGE_VAL);  // of token 12, the first behind three windows
    const auto report = test::judged(problem, dump, recipe);
    REQUIRE(report.nonfinite.size() == 2);
    const auto& kv = report.nonfinite[0];
    CHECK(kv.slot == compressor::forward(compressor::Name::kv));
    CHECK(kv.index == 12 * problem.config.features() + 1);
    const auto& entry = report.nonfinite[1];
    CHECK(entry.slot == compressor::forward(compressor::Name::output));
    CHECK(entry.window == std::size_t{1});
    CHECK(entry.channel == std::size_t{2});
    CHECK(entry.birth_class == "not from the recipe");
    CHECK(entry.count == 2);
    CHECK(std::count(report.notes.begin(), report.notes.end(),
                     "what is not finite in entries.00 entries.01 is certified as rows of output") == 1);
  }
}

TEST_CASE("Hugging Face's decode is judged entry by entry; without chunks or a recipe a note says what is not") {
  const auto problem = test::golden_problem("csa-small");
  auto dump = test::golden_dump("csa-small.hf-fp32-decode", problem);
  const auto report = test::judged(problem, dump, compressor::load_recipe("hf-fp32"));
  CHECK(judge::exit_code(report) == 0);
  CHECK(std::count_if(report.rows.begin(), report.rows.end(), [](const judge::Row& row) {
          return row.tensor.starts_with("entries.") && row.status == Status::ok;
        }) == 11);
  dump.metadata.erase("chunks");
  const auto silent = test::judged(problem, dump, compressor::load_recipe("hf-fp32"));
  REQUIRE(silent.notes.size() == 1);
  CHECK(silent.notes.front().find("not judged: entries.00 entries.01") == 0);

  plant(dump, "entries.03", 7, -HUGE_VAL);
  const auto told = test::judged(problem, dump, compressor::load_recipe("hf-fp32"));
  CHECK(told.notes.back() ==
        "no birth certificate for what is not finite there: the first is element 7 of entries.03, -inf");
}

TEST_CASE("what coarse sums leave open of decoding is undecided; behind fine ones it fails") {
  const auto problem = test::golden_problem("csa-small");
  for (const char* format : {"bf16", "fp32"}) {
    INFO(format);
    const auto recipe =
        compressor::with_setting(compressor::load_recipe("fp32"), std::string("project_kv.accumulate=") + format);
    auto dump = decoded_dump(problem, recipe, {problem.config.seq});
    dump.tape = {};
    plant(dump, "entries.00", 5, 100);
    const auto report = test::judged(problem, dump, recipe);
    const auto row = std::find_if(report.rows.begin(), report.rows.end(),
                                  [](const judge::Row& one) { return one.tensor == "entries.00"; });
    REQUIRE(row != report.rows.end());
    const bool is_coarse = std::string_view(format) == "bf16";
    CHECK(row->status == (is_coarse ? Status::undecided : Status::fail));
    CHECK((row->reason.find("sums in coarse formats lie on its way") != std::string::npos) == is_coarse);
    CHECK(report.verdict.has_value() == !is_coarse);
  }
}
