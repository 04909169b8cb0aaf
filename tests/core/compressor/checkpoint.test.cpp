// SPDX-License-Identifier: Apache-2.0
// Tensors of a layer out of checkpoint shards.
#include "core/compressor/checkpoint.hpp"

#include <fstream>
#include <string>

#include "core/io/error.hpp"
#include "core/io/json.hpp"
#include "core/io/safetensors.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

namespace {

using namespace ulpscope;
using namespace ulpscope::compressor;

io::Tensor filled(io::Shape shape, double value, io::DType dtype) {
  const std::vector<double> values(io::count(shape), value);
  return io::from_values(std::span(values), std::move(shape), dtype);
}

/// The four tensors of a CSA compressor with h = 12, d = 8 under the given names.
io::TensorFile compressor_file(const std::string& kv, const std::string& gate, const std::string& ape,
                               const std::string& gamma) {
  io::TensorFile file;
  file.tensors[kv] = filled({16, 12}, 0.5, io::DType::bf16);
  file.tensors[gate] = filled({16, 12}, 0.25, io::DType::bf16);
  file.tensors[ape] = filled({4, 16}, 0.1, io::DType::f32);
  file.tensors[gamma] = filled({8}, 1.5, io::DType::bf16);
  return file;
}

io::TensorFile native_file(const std::string& stem) {
  return compressor_file(stem + ".wkv.weight", stem + ".wgate.weight", stem + ".ape", stem + ".norm.weight");
}

std::string refusal(const CheckpointRequest& request) {
  try {
    read_checkpoint(request);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

bool says(const std::string& sentence, const std::string& part) { return sentence.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("A layer's compressor is found under native names, with the sizes that its shapes say") {
  const test::TempDir directory;
  io::write_safetensors(directory / "model-00001.safetensors", native_file("layers.3.attn.compressor"));
  const CheckpointTensors found = read_checkpoint({directory.path(), 3, CompressorKind::main});
  CHECK(found.names.at(Name::ape) == "layers.3.attn.compressor.ape");
  CHECK(found.hidden == 12);
  CHECK(found.head_dim == 8);
  CHECK(found.ratio == 4);
  CHECK(found.overlap);
  CHECK(found.tensors.at(Name::w_gate) == filled({16, 12}, 0.25, io::DType::bf16));
}

TEST_CASE("Hugging Face names and the indexer's compressor are found too") {
  const test::TempDir directory;
  const std::string stem = "model.layers.2.self_attn.compressor.indexer";
  io::write_safetensors(directory / "model.safetensors",
                        compressor_file(stem + ".kv_proj.weight", stem + ".gate_proj.weight", stem + ".position_bias",
                                        stem + ".kv_norm.weight"));
  CHECK(read_checkpoint({directory.path(), 2, CompressorKind::indexer}).names.at(Name::gamma) ==
        stem + ".kv_norm.weight");
  const std::string missing = refusal({directory.path(), 2, CompressorKind::main});
  CHECK(says(missing, "is not there"));
  CHECK(says(missing, stem));
}

TEST_CASE("An index leads to the shards, and only the named shards are opened") {
  const test::TempDir directory;
  const std::string stem = "layers.0.attn.compressor";
  io::TensorFile whole = native_file(stem);
  io::TensorFile first, second;
  first.tensors[stem + ".ape"] = whole.tensors.at(stem + ".ape");
  second.tensors = whole.tensors;
  second.tensors.erase(stem + ".ape");
  io::write_safetensors(directory / "a.safetensors", first);
  io::write_safetensors(directory / "b.safetensors", second);
  std::ofstream(directory / "broken.safetensors") << "not a shard";
  io::Json map = io::Json::object();
  for (const auto& [name, tensor] : whole.tensors)
    map[name] = name.ends_with(".ape") ? "a.safetensors" : "b.safetensors";
  io::write_json(directory / "model.safetensors.index.json", io::Json{{"weight_map", map}});
  CHECK(read_checkpoint({directory.path(), 0, CompressorKind::main}).tensors.size() == 4);
}

TEST_CASE("A shard outside the directory is refused") {
  const test::TempDir directory;
  io::write_json(directory / "model.safetensors.index.json",
                 io::Json{{"weight_map", {{"layers.0.attn.compressor.ape", "../x.safetensors"}}}});
  CHECK(says(refusal({directory.path(), 0, CompressorKind::main}), "same directory"));
}

TEST_CASE("Missing tensors and contradicting shapes are refused by name") {
  const test::TempDir directory;
  const std::string stem = "layers.1.attn.compressor";
  const auto write = [&](const std::string& name, const std::optional<io::Tensor>& tensor) {
    io::TensorFile file = native_file(stem);
    file.tensors.erase(stem + name);
    if (tensor) file.tensors[stem + name] = *tensor;
    io::write_safetensors(directory / "model.safetensors", file);
    return refusal({directory.path(), 1, CompressorKind::main});
  };
  CHECK(says(write(".norm.weight", std::nullopt), "no tensor '" + stem + ".norm.weight'"));
  CHECK(says(write(".norm.weight", filled({8, 1}, 1, io::DType::bf16)), "shape [d]"));
  CHECK(says(write(".wkv.weight", filled({24, 12}, 1, io::DType::bf16)), "c 1 or 2"));
  CHECK(says(write(".wgate.weight", filled({16, 11}, 1, io::DType::bf16)), "[16,12]"));
  CHECK(says(write(".ape", filled({8, 8}, 1, io::DType::f32)), "[ratio,16]"));
  CHECK(says(write(".ape", filled({4, 16}, 1, io::DType::i64)), "found I64"));
  CHECK(write(".ape", filled({4, 16}, 1, io::DType::f16)).empty());
  CHECK(says(refusal({directory / "nowhere", 1, CompressorKind::main}), "not a directory"));
  const test::TempDir empty;
  CHECK(says(refusal({empty.path(), 1, CompressorKind::main}), "no .safetensors"));
}

TEST_CASE("A tensor that stands in two shards is refused") {
  const test::TempDir directory;
  io::write_safetensors(directory / "a.safetensors", native_file("layers.1.attn.compressor"));
  io::write_safetensors(directory / "b.safetensors", native_file("layers.1.attn.compressor"));
  CHECK(says(refusal({directory.path(), 1, CompressorKind::main}), "two shards"));
}

TEST_CASE("A checkpoint's weights replace a problem's") {
  const test::TempDir directory;
  io::write_safetensors(directory / "model.safetensors", native_file("layers.1.attn.compressor"));
  const CheckpointTensors found = read_checkpoint({directory.path(), 1, CompressorKind::main});
  Config config;
  config.mode = Mode::csa;
  config.ratio = 4;
  config.overlap = true;
  config.seq = 16;
  config.hidden = 12;
  config.head_dim = 8;
  Problem problem = make_problem(config, {});
  const Tensor hidden = problem.input(Name::hidden);
  install(found, problem);
  CHECK(problem.input(Name::gamma).at(7) == 1.5);
  CHECK(problem.input(Name::hidden).data == hidden.data);
  config.hidden = 16;
  Problem other = make_problem(config, {});
  CHECK_THROWS_AS(install(found, other), InputError);
}

TEST_CASE("The config of released weights is the preset's") {
  CheckpointTensors found;
  found.hidden = 7168;
  found.head_dim = 512;
  found.ratio = 128;
  Config expected = preset("v4-pro-hca");
  CHECK(checkpoint_config(found, CompressorKind::main) == expected);
}

TEST_CASE("A small checkpoint gets RoPE on the channels that it has, and no blocks that do not fit") {
  const test::TempDir directory;
  io::write_safetensors(directory / "model-00001.safetensors", native_file("layers.3.attn.compressor"));
  const auto found = read_checkpoint({directory.path(), 3, CompressorKind::main});
  const Config config = checkpoint_config(found, CompressorKind::main);  // d = 8
  REQUIRE(config.rope);
  CHECK(config.rope->dim == 8);
  CHECK_FALSE(config.quantize);
}
