// SPDX-License-Identifier: Apache-2.0
// The safetensors container, against bytes written by hand and files of the reference implementation.
#include "core/io/safetensors.hpp"

#include "tests/core/io/files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/data.hpp"
#include "tests/support/temp_dir.hpp"

using namespace ulpscope::io;
using namespace ulpscope::test;
using Catch::Matchers::Contains;

namespace {

const std::string golden = ulpscope::test::source_path("tests/golden/");

}  // namespace

TEST_CASE("A safetensors file written by hand is read", "[io]") {
  const TempDir dir;
  const std::string header = R"({"__metadata__":{"k":"v"},"b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]},)"
                             R"("a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}   )";
  put(dir / "f",
      safetensors(header, number(0x3F800000, 4) + number(0xC0000000, 4) + number(0x3F80, 2) + number(0xC61C, 2)));
  const SafetensorsView view(dir / "f");
  CHECK(view.names() == std::vector<std::string>{"a", "b"});
  CHECK(view.metadata() == std::map<std::string, std::string>{{"k", "v"}});
  CHECK(view.info("a").shape == Shape{1, 2});
  CHECK(to_doubles(view.read("a")) == std::vector<double>{1, -2});
  CHECK(to_doubles(view.read("b")) == std::vector<double>{1, -9984});
  CHECK(view.bytes("b").size() == 4);
  CHECK_FALSE(view.contains("c"));
}

TEST_CASE("An absent tensor is named with its nearest neighbour", "[io]") {
  const SafetensorsView view(golden + "csa-tiny.problem.safetensors");
  CHECK_THAT(
      refusal([&] { view.read("w_gat"); }),
      Contains(
          "csa-tiny.problem.safetensors: unknown tensor 'w_gat'; did you mean 'w_gate'? known: ape cotangent gamma"));
}

TEST_CASE("Types that a checkpoint may hold beside ours are carried, not read", "[io]") {
  const TempDir dir;
  put(dir / "f",
      safetensors(
          R"({"a":{"dtype":"F8_E8M0","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"F4","shape":[2],"data_offsets":[2,3]},)"
          R"("c":{"dtype":"U8","shape":[],"data_offsets":[3,4]}})",
          "abcd"));
  const SafetensorsView view(dir / "f");
  CHECK(view.info("a").dtype == std::nullopt);
  CHECK(view.info("a").dtype_name == "F8_E8M0");
  CHECK(to_doubles(view.read("c")) == std::vector<double>{'d'});
  CHECK_THAT(refusal([&] { view.read("a"); }),
             Contains("tensor 'a': unknown dtype 'F8_E8M0';") && Contains("known: F64 F32 F16 BF16"));
}

TEST_CASE("Every dtype and shape survives a safetensors file", "[io]") {
  const TempDir dir;
  TensorFile file;
  file.metadata = {{"config", "{\"mode\": \"csa\"}"}, {"quote\"\n", "h\xc3\xa9"}};
  for (const DTypeInfo& row : dtypes()) {
    file.tensors[std::string(row.name)] = from_values(std::vector<double>{1, 0, 1, 1, 0, 1}, {3, 1, 2}, row.dtype);
  }
  file.tensors["scalar"] = from_values(std::vector<double>{2.5}, {}, DType::f32);
  file.tensors["none"] = from_values(std::vector<double>{}, {0, 7}, DType::bf16);
  write_safetensors(dir / "f", file);
  CHECK(read_tensors(dir / "f") == file);
  write_safetensors(dir / "g", file);
  CHECK(get(dir / "f") == get(dir / "g"));
}

TEST_CASE("A file without tensors is a file", "[io]") {
  const TempDir dir;
  write_safetensors(dir / "f", {});
  CHECK(get(dir / "f") == safetensors("{}      "));
  CHECK(read_tensors(dir / "f") == TensorFile{});
}

TEST_CASE("Files of the reference implementation are written back byte for byte", "[io]") {
  const TempDir dir;
  for (const char* name : {"csa-tiny.problem", "hca-tiny.problem", "csa-tiny.maxtext-bf16-eager"}) {
    CAPTURE(name);
    const std::string path = golden + name + ".safetensors";
    write_safetensors(dir / "f", read_tensors(path));
    CHECK(get(dir / "f") == get(path));
  }
}

TEST_CASE("Tensors are aligned: the widest dtype first", "[io]") {
  const TempDir dir;
  TensorFile file;
  file.tensors["a"] = from_values(std::vector<double>{1}, {1}, DType::u8);
  file.tensors["b"] = from_values(std::vector<double>{1}, {1}, DType::bf16);
  file.tensors["c"] = from_values(std::vector<double>{1}, {1}, DType::f64);
  write_safetensors(dir / "f", file);
  const SafetensorsView view(dir / "f");
  CHECK(view.info("c").begin == 0);
  CHECK(view.info("b").begin == 8);
  CHECK(view.info("a").begin == 10);
  CHECK((get(dir / "f").size() - 11) % 8 == 0);
}

TEST_CASE("What safetensors cannot hold is not written", "[io]") {
  const TempDir dir;
  const Tensor one = from_values(std::vector<double>{1}, {1}, DType::f32);
  const auto said = [&](const TensorFile& file) { return refusal([&] { write_safetensors(dir / "f", file); }); };
  CHECK_THAT(said({{{"__metadata__", one}}, {}}), Contains("f: a tensor cannot be named '__metadata__'"));
  CHECK_THAT(said({{{"", one}}, {}}), Contains("f: a tensor cannot be named ''"));
  CHECK_THAT(said({{{"bad\xff", one}}, {}}), Contains("'bad\\xff' is not UTF-8"));
  CHECK_THAT(said({{}, {{"k", "bad\xff"}}}), Contains("is not UTF-8"));
  Tensor wrong = one;
  wrong.shape = {2};
  CHECK_THROWS_AS(write_safetensors(dir / "f", TensorFile{{{"x", wrong}}, {}}), std::invalid_argument);
  CHECK_FALSE(std::filesystem::exists(dir / "f"));
}
