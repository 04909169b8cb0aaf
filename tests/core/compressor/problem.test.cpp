// SPDX-License-Identifier: Apache-2.0
// Problems from files and from generators.
#include "core/compressor/problem.hpp"

#include <cmath>
#include <string>

#include "core/compressor/random.hpp"
#include "core/io/error.hpp"
#include "core/io/json_schema.hpp"
#include "core/io/npy.hpp"
#include "core/io/safetensors.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/data.hpp"
#include "tests/support/golden.hpp"
#include "tests/support/temp_dir.hpp"

namespace {

using namespace ulpscope;
using namespace ulpscope::compressor;

Config tiny() {
  Config config;
  config.mode = Mode::csa;
  config.ratio = 4;
  config.overlap = true;
  config.seq = 13;
  config.hidden = 8;
  config.head_dim = 8;
  return config;
}

io::Tensor filled(io::Shape shape, double value, io::DType dtype) {
  const std::vector<double> values(io::count(shape), value);
  return io::from_values(std::span(values), std::move(shape), dtype);
}

io::TensorFile tiny_file() { return problem_to_file(make_problem(tiny(), {})); }

std::string refusal(const io::TensorFile& file) {
  try {
    problem_from_file(file, "file.safetensors");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

bool says(const std::string& sentence, const std::string& part) { return sentence.find(part) != std::string::npos; }

const io::Buffer<float>& floats(const Problem& problem, Name name) {
  return std::get<io::Buffer<float>>(problem.input(name).data);
}

double deviation(const io::Buffer<float>& values, double mean) {
  double sum = 0;
  for (const float value : values) sum += (static_cast<double>(value) - mean) * (static_cast<double>(value) - mean);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

}  // namespace

TEST_CASE(
    "Input number i is drawn from fold_in(key(seed), i), scaled, and rounded to bf16 where the contract says so") {
  const Problem problem = make_problem(tiny(), {.seed = 7});
  const auto drawn = [](std::uint32_t input, std::size_t count) {
    std::vector<float> values(count);
    normal(fold_in(key(7), input), 0, values);
    return values;
  };
  const auto bf16 = [](float value) { return io::decode_bf16(io::encode_bf16(static_cast<double>(value))); };
  const float root = static_cast<float>(1 / std::sqrt(8.0));
  const float gate = static_cast<float>(1.5 / std::sqrt(8.0));
  CHECK(floats(problem, Name::hidden).back() == bf16(drawn(0, 104).back()));
  CHECK(floats(problem, Name::w_kv)[5] == bf16(root * drawn(1, 6).back()));
  CHECK(floats(problem, Name::w_gate)[5] == bf16(gate * drawn(2, 6).back()));
  CHECK(floats(problem, Name::ape)[5] == 0.5F * drawn(3, 6).back());
  CHECK(floats(problem, Name::gamma)[5] == 1.0F + 0.1F * drawn(4, 6).back());
  CHECK(floats(problem, Name::cotangent)[5] == bf16(drawn(5, 6).back()));
  CHECK(problem.inputs.size() == 6);
}

TEST_CASE("Drawn inputs have the contract's spread") {
  Config config = tiny();
  config.hidden = 256;
  config.head_dim = 64;
  config.seq = 256;
  const Problem problem = make_problem(config, {.seed = 1, .gate_sigma = 8, .ape_sigma = 0.25});
  const auto near = [](double value, double target) { return std::abs(value / target - 1) < 0.1; };
  CHECK(near(deviation(floats(problem, Name::hidden), 0), 1));
  CHECK(near(deviation(floats(problem, Name::w_kv), 0), 1.0 / 16));
  CHECK(near(deviation(floats(problem, Name::w_gate), 0), 8.0 / 16));
  CHECK(near(deviation(floats(problem, Name::ape), 0), 0.25));
  CHECK(near(deviation(floats(problem, Name::gamma), 1), 0.1) == true);
}

TEST_CASE("The number of threads does not change a bit of a drawn problem", "[threads]") {
  Config config = tiny();
  config.seq = 60000;
  const std::string one = problem_sha256(make_problem(config, {.seed = 3, .threads = 1}));
  CHECK(problem_sha256(make_problem(config, {.seed = 3, .threads = 7})) == one);
  CHECK(problem_sha256(make_problem(config, {.seed = 4, .threads = 7})) != one);
}

TEST_CASE("A problem has one fingerprint, whatever the container") {
  const test::TempDir directory;
  const Problem problem = make_problem(tiny(), {});
  io::write_safetensors(directory / "p.safetensors", problem_to_file(problem));
  io::write_npz(directory / "p.npz", problem_to_file(problem));
  const Problem a = read_problem(directory / "p.safetensors");
  const Problem b = read_problem(directory / "p.npz");
  CHECK(a.config == problem.config);
  CHECK(problem_sha256(a) == problem_sha256(problem));
  CHECK(problem_sha256(b) == problem_sha256(problem));
}

TEST_CASE("The fingerprint sees the config, a name, a dtype and a single bit") {
  const Problem problem = make_problem(tiny(), {});
  const std::string original = problem_sha256(problem);
  Problem other = problem;
  other.config.eps = 2e-6;
  CHECK(problem_sha256(other) != original);
  other = problem;
  std::get<io::Buffer<float>>(other.inputs.at(Name::gamma).data).writable()[0] = -floats(problem, Name::gamma)[0];
  CHECK(problem_sha256(other) != original);
  other = problem;
  other.inputs.at(Name::hidden).dtype = io::DType::bf16;  // the same values in another container type
  CHECK(problem_sha256(other) != original);
  other = problem;
  other.source = "elsewhere";
  CHECK(problem_sha256(other) == original);
}

TEST_CASE("Optional inputs are read, and masks may be of any integer type") {
  io::TensorFile file = tiny_file();
  file.tensors["attention_mask"] = filled({1, 13}, 1, io::DType::boolean);
  file.tensors["segment_ids"] = io::from_integers(std::vector<std::int64_t>(13, 2), {1, 13});
  file.tensors["prior_kv"] = filled({1, 4, 16}, 0.5, io::DType::bf16);
  file.tensors["prior_gate"] = file.tensors["prior_kv"];
  const Problem problem = problem_from_file(file, "file");
  CHECK(problem.has(Name::attention_mask));
  CHECK(problem.input(Name::segment_ids).at(12) == 2.0);
  CHECK(problem.input(Name::prior_kv).at(3) == 0.5);
  file.tensors.erase("prior_gate");
  CHECK(says(refusal(file), "together"));
}

TEST_CASE("A problem that is none is refused in one sentence that names file and tensor") {
  CHECK(refusal(tiny_file()).empty());
  io::TensorFile file = tiny_file();
  file.metadata.erase("config");
  CHECK(says(refusal(file), "'config'"));
  file = tiny_file();
  file.metadata["ulpscope.problem"] = "2";
  CHECK(says(refusal(file), "schema '2'"));
  file = tiny_file();
  file.tensors.erase("gamma");
  CHECK(says(refusal(file), "'gamma' of shape [8] is missing"));
  file = tiny_file();
  file.tensors["gama"] = file.tensors["gamma"];
  CHECK(says(refusal(file), "'gamma'"));
  file = tiny_file();
  file.tensors["kv"] = file.tensors["hidden"];
  CHECK(says(refusal(file), "unknown tensor 'kv'"));
  file = tiny_file();
  file.tensors["ape"].shape = {16, 4};
  CHECK(says(refusal(file), "'ape' must have shape [4,16], found [16,4]"));
  file = tiny_file();
  file.tensors["gamma"] = filled({8}, 1, io::DType::i64);
  CHECK(says(refusal(file), "found I64"));
  file = tiny_file();
  file.tensors["attention_mask"] = filled({1, 13}, 1, io::DType::f32);
  CHECK(says(refusal(file), "found F32"));
  file = tiny_file();
  file.metadata["config"] = "{\"mode\":\"csa\"";
  CHECK(says(refusal(file), "file.safetensors"));
}

TEST_CASE("Sigmas that are not numbers are refused") {
  CHECK_THROWS_AS(make_problem(tiny(), {.gate_sigma = std::nan("")}), InputError);
  CHECK_THROWS_AS(make_problem(tiny(), {.ape_sigma = -1}), InputError);
}

TEST_CASE("A problem made elsewhere is read, and its fingerprint does not move") {
  const Problem problem = test::golden_problem("csa-small");
  CHECK(problem.config.windows() == 9);
  CHECK(problem.config.rope->yarn->factor == 16);
  CHECK(problem.inputs.size() == 6);
  CHECK(problem_sha256(problem) == "94f346edf5b2168abf1e481cffbdd3c4eed3836d7110241d2c20e225a53f7201");
}

TEST_CASE(
    "The metadata of a problem and its config conform to the problem schema, which refuses what the reader does") {
  const io::Json schema = io::read_json(test::source_path("core/compressor/schemas/problem.schema.json"));
  const io::Json config_schema = schema["$defs"]["config"];
  const io::SchemaChecker metadata(schema), configs(config_schema);
  for (const auto& preset : presets()) {
    const io::TensorFile file = problem_to_file(make_problem(tiny(), {}));
    const io::Json config = to_json(preset.config);
    INFO(preset.name);
    CHECK(metadata.faults(io::Json(file.metadata)).empty());
    CHECK(configs.faults(config).empty());
    CHECK(config_from_json(config, "c") == preset.config);
  }
  for (const char* edit : {R"({"head_dim":0})", R"({"ratio":0})", R"({"seq":-1})", R"({"mode":"mla"})", R"({"more":1})",
                           R"({"rope":{"dim":3}})", R"({"rope":{"dim":4,"theta":0}})", R"({"quantize":{"block":8}})",
                           R"({"rope":{"dim":4,"yarn":{"factor":0}}})", R"({"eps":-1})", R"({"norm":1})"}) {
    io::Json config = to_json(tiny());
    config.update(io::Json::parse(edit));
    INFO(edit);
    CHECK_FALSE(configs.faults(config).empty());
    CHECK_THROWS_AS(config_from_json(config, "c"), InputError);
  }
}
