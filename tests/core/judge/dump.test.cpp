// SPDX-License-Identifier: Apache-2.0
// Reading foreign dumps: names, shapes, configs; writing ours.
#include "core/judge/dump.hpp"

#include "core/io/error.hpp"
#include "tests/core/judge/golden.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using Catch::Matchers::Contains;

namespace {

const std::string source = "d.safetensors";

io::TensorFile with_tensor(const std::string& name, const io::Shape& shape, io::DType dtype = io::DType::f32) {
  io::TensorFile file;
  file.tensors[name] = io::from_values(std::vector<double>(io::count(shape), 1.5), shape, dtype);
  return file;
}

judge::Dump read(const io::TensorFile& file, const char* map = "{}") {
  const auto problem = test::golden_problem("csa-tiny");
  return judge::dump_from_file(file, problem, judge::NameMap(io::parse_json(map, "map"), "map.json"), source);
}

}  // namespace

TEST_CASE("names map exactly first, then by regular expression over the whole name") {
  const auto file = with_tensor("layer.3.pool_out", {1, 3, 8});
  CHECK(
      read(file, R"json({"layer.3.pool_out": "pooled"})json").tape.has(compressor::forward(compressor::Name::pooled)));
  CHECK(read(file, R"json({"layer\\.[0-9]+\\.pool_(out)": "pooled"})json")
            .tape.has(compressor::forward(compressor::Name::pooled)));
  const auto gradient = read(with_tensor("d_pooled", {1, 3, 8}), R"json({"d_(.*)": "grad.$1"})json");
  CHECK(gradient.tape.has(compressor::gradient(compressor::Name::pooled)));
}

TEST_CASE("a map that is no map of slots is refused with the known names") {
  CHECK_THROWS_WITH(read(with_tensor("a", {1}), R"json({"a": "pooledd"})json"), Contains("pooled"));
  CHECK_THROWS_AS(read(with_tensor("a", {1}), R"json({"(": "pooled"})json"), InputError);
  CHECK_THROWS_AS(read(with_tensor("a", {1}), R"json({"a": 1})json"), InputError);
  CHECK_THROWS_AS(read(with_tensor("a", {1}), R"(["a"])"), InputError);
}

TEST_CASE("a map's expressions are quick on long and repetitive names") {
  auto file = with_tensor("pooled", {1, 3, 8});
  file.tensors[std::string(200000, 'a')] = file.tensors["pooled"];
  file.tensors[std::string(40, 'a')] = file.tensors["pooled"];
  CHECK(read(file, R"json({"(a+)+c": "normed", "(.|x)*z": "normed"})json").unmapped.size() == 2);
}

TEST_CASE("a name that maps nowhere is reported with the nearest slot, not dropped") {
  auto file = with_tensor("pooled", {1, 3, 8});
  file.tensors["poled"] = file.tensors["pooled"];
  file.tensors["entries.00"] = file.tensors["pooled"];
  const auto dump = read(file);
  REQUIRE(dump.unmapped.size() == 1);
  CHECK(dump.unmapped.front().name == "poled");
  CHECK(dump.unmapped.front().nearest == "pooled");
  CHECK(dump.others.contains("entries.00"));
}

TEST_CASE("integers in a slot are told from unknown names, and --dtype is named where they may be bits of floats") {
  auto file = with_tensor("kv", {1, 13, 16}, io::DType::u16);
  CHECK_THROWS_WITH(read(file), Contains("'kv' holds U16, a dtype that is not judged") && Contains("--dtype kv=bf16"));
  file.tensors["kv"].dtype = io::DType::i64;
  file.tensors["kv"].bytes = std::vector<std::byte>(13 * 16 * 8);
  CHECK_THROWS_WITH(read(file), Contains("'kv' holds I64, a dtype that is not judged"));
  file.tensors["pooled"] = with_tensor("pooled", {1, 3, 8}).tensors["pooled"];
  const auto dump = read(file);
  CHECK(dump.unmapped.empty());
  CHECK(dump.notes.size() == 1);
}

TEST_CASE("wrong shapes, two tensors for a slot and a file without slots are refused") {
  CHECK_THROWS_WITH(read(with_tensor("pooled", {1, 3, 9})), Contains("[1,3,9]") && Contains("[1,3,8]"));
  auto file = with_tensor("pooled", {1, 3, 8});
  file.tensors["other"] = file.tensors["pooled"];
  CHECK_THROWS_WITH(read(file, R"({"other": "pooled"})"), Contains("second"));
  CHECK_THROWS_WITH(read(with_tensor("nothing", {1})), Contains("none of its 1 tensors"));
}

TEST_CASE("a dump of other sizes belongs to another problem") {
  auto file = with_tensor("pooled", {1, 3, 8});
  auto config = test::golden_problem("csa-tiny").config;
  config.hidden = 99;
  file.metadata["config"] = compressor::to_json(config).dump();
  CHECK_THROWS_WITH(read(file), Contains("hidden") && Contains("99"));
  file.metadata["config"] = "{";
  CHECK_THROWS_AS(read(file), InputError);
}

TEST_CASE("whole windows of kv are taken, with zeros behind, and any other number of rows is not") {
  const auto dump = read(with_tensor("kv", {1, 12, 16}));  // S = 13, ratio 4
  const auto slot = compressor::forward(compressor::Name::kv);
  CHECK(dump.partial.at(slot) == compressor::Shape{1, 12, 16});
  const auto& tensor = dump.tape.find(slot)->tensor;
  CHECK(tensor.shape == compressor::Shape{1, 13, 16});
  CHECK(tensor.at(12 * 16 - 1) == 1.5);
  CHECK(tensor.at(12 * 16) == 0);
  CHECK(judge::cropped(tensor, {1, 12, 16}).size() == 12 * 16);
  CHECK_THROWS_AS(read(with_tensor("kv", {1, 8, 16})), InputError);
}

TEST_CASE("a written dump holds each slot in its storage format and reads back the same values") {
  const auto problem = test::golden_problem("csa-tiny");
  const auto run = compressor::run_traced(problem, compressor::load_recipe("hf"), {});
  const auto file = judge::dump_to_file(run.tape, run.config, {run.recipe.spec.dump(), "traced", "00", "0"});

  CHECK(file.tensors.at("pooled").dtype == io::DType::bf16);
  CHECK(file.tensors.at("logits").dtype == io::DType::f32);
  CHECK(file.metadata.at("ulpscope.dump") == "1");
  CHECK(file.metadata.count("recipe") == 1);
  const auto dump = judge::dump_from_file(file, problem, {}, source);
  for (const auto& [slot, record] : run.tape.records()) {
    INFO(compressor::to_string(slot));
    CHECK(compressor::to_doubles(dump.tape.find(slot)->tensor) == compressor::to_doubles(record.tensor));
  }
}
