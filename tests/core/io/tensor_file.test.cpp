// SPDX-License-Identifier: Apache-2.0
// Reading and writing a TensorFile, whatever the container.
#include "core/io/tensor_file.hpp"

#include "tests/core/io/files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace ulpscope::io;
using namespace ulpscope::test;
using Catch::Matchers::Contains;

namespace {

TensorFile sample() {
  TensorFile file;
  file.tensors["kv"] = from_values(std::vector<double>{1, -2.5}, {2, 1}, DType::bf16);
  file.tensors["mask"] = from_values(std::vector<double>{1, 0}, {2}, DType::boolean);
  file.metadata["config"] = "{}";
  return file;
}

std::string digest(const TensorFile& file) {
  Sha256 hash;
  hash_tensors(hash, file.tensors);
  return hash.hex_digest();
}

}  // namespace

TEST_CASE("The content decides the container, not the name", "[io]") {
  const TempDir dir;
  write_tensors(dir / "a.npz", sample());
  write_tensors(dir / "b.safetensors", sample());
  CHECK(get(dir / "a.npz").starts_with("PK"));
  std::filesystem::rename(dir / "a.npz", dir / "a.safetensors");
  std::filesystem::rename(dir / "b.safetensors", dir / "b.npy");
  CHECK(read_tensors(dir / "a.safetensors") == sample());
  CHECK(read_tensors(dir / "b.npy") == sample());
}

TEST_CASE("An npy file holds one tensor", "[io]") {
  const TempDir dir;
  CHECK_THAT(refusal([&] { write_tensors(dir / "a.npy", sample()); }),
             Contains("a.npy: an npy file holds exactly one tensor, not 2"));
  TensorFile one;
  one.tensors["kv"] = from_values(std::vector<double>{1, -2.5}, {2}, DType::f64);
  write_tensors(dir / "kv.npy", one);
  CHECK(read_tensors(dir / "kv.npy") == one);
}

TEST_CASE("A dtype given by the user turns integers into what they are", "[io]") {
  const TempDir dir;
  put(dir / "f.npz", zip({{"kv.npy", npy("|V2", "(1,)", number(0x3F80, 2))}, {"q.npy", npy("|u1", "(1,)", "\x38")}}));
  CHECK(to_doubles(read_tensors(dir / "f.npz").tensors.at("kv")) == std::vector<double>{0x3F80});
  const std::vector<DTypeOverride> overrides = {parse_dtype_override("kv=bf16"), parse_dtype_override("q=F8_E4M3")};
  const TensorFile file = read_tensors(dir / "f.npz", overrides);
  CHECK(to_doubles(file.tensors.at("kv")) == std::vector<double>{1});
  CHECK(to_doubles(file.tensors.at("q")) == std::vector<double>{1});
}

TEST_CASE("A dtype that cannot be is refused", "[io]") {
  const TempDir dir;
  write_tensors(dir / "f.safetensors", sample());
  const auto said = [&](const char* text) {
    return refusal(
        [&] { read_tensors(dir / "f.safetensors", std::vector<DTypeOverride>{parse_dtype_override(text)}); });
  };
  CHECK_THAT(said("kv=fp32"),
             Contains("f.safetensors: tensor 'kv' holds BF16, whose 2 bytes per element cannot be read as F32"));
  CHECK_THAT(said("vk=bf16"), Contains("unknown tensor 'vk'; did you mean 'kv'? known: kv mask"));
  CHECK_THAT(said("kv=bf15"), Contains("--dtype: unknown dtype 'bf15'; did you mean 'bf16'?"));
  CHECK_THAT(said("kv"), Contains("--dtype expects NAME=DTYPE"));
  CHECK_THAT(said("=bf16"), Contains("--dtype expects NAME=DTYPE"));
}

TEST_CASE("The digest of tensors is the same for every container, and for no other content", "[io]") {
  const TempDir dir;
  write_tensors(dir / "a.npz", sample());
  write_tensors(dir / "a.safetensors", sample());
  const std::string expected = digest(sample());
  CHECK(digest(read_tensors(dir / "a.npz")) == expected);
  CHECK(digest(read_tensors(dir / "a.safetensors")) == expected);

  TensorFile other = sample();
  other.tensors["kv"].shape = {1, 2};
  CHECK(digest(other) != expected);
  other = sample();
  other.tensors["kv"].dtype = DType::f16;
  CHECK(digest(other) != expected);
  other = sample();
  other.tensors["kv"].bytes.writable()[0] ^= std::byte{1};
  CHECK(digest(other) != expected);
  other = sample();
  other.tensors["kw"] = other.tensors["kv"];
  other.tensors.erase("kv");
  CHECK(digest(other) != expected);
}

TEST_CASE("Writing onto the file that is being read is safe", "[io]") {
  const TempDir dir;
  write_tensors(dir / "a.safetensors", sample());
  write_tensors(dir / "a.safetensors", read_tensors(dir / "a.safetensors"));
  CHECK(read_tensors(dir / "a.safetensors") == sample());
}
