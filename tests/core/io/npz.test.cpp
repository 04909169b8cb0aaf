// SPDX-License-Identifier: Apache-2.0
// .npz archives: zip files of .npy arrays.
#include "core/io/npy.hpp"
#include "tests/core/io/files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace ulpscope::io;
using namespace ulpscope::test;
using Catch::Matchers::Contains;

namespace {

const std::string one_two = npy("<f4", "(2,)", number(0x3F800000, 4) + number(0x40000000, 4));

std::string from_hex(std::string_view digits) {
  std::string out;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    out += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  }
  return out;
}

}  // namespace

TEST_CASE("CRC-32 has its check value, whole or in parts", "[io]") {
  const std::string text = "123456789";
  const auto bytes = std::as_bytes(std::span(text));
  CHECK(crc32(bytes) == 0xCBF43926);
  CHECK(crc32(bytes.subspan(4), crc32(bytes.first(4))) == 0xCBF43926);
  CHECK(crc32({}) == 0);
}

TEST_CASE("Stored entries are tensors, strings are metadata", "[io]") {
  const TempDir dir;
  put(dir / "f", zip({{"kv.npy", one_two}, {"config.npy", npy("|S2", "()", "{}")}, {"sub/gate.npy", one_two}}));
  const TensorFile file = read_npz(dir / "f");
  CHECK(to_doubles(file.tensors.at("kv")) == std::vector<double>{1, 2});
  CHECK(file.tensors.contains("sub/gate"));
  CHECK(file.metadata == std::map<std::string, std::string>{{"config", "{}"}});
}

TEST_CASE("A zip may have a comment, described sizes, unused extra fields, and no entries", "[io]") {
  const TempDir dir;
  put(dir / "f", zip({{"kv.npy", one_two}}, {.comment = "made by PK\x05\x06 hand"}));
  CHECK(read_npz(dir / "f").tensors.size() == 1);
  put(dir / "f", zip({{.name = "kv.npy", .content = one_two, .flags = 8, .local_size = 0}}));
  CHECK(read_npz(dir / "f").tensors.size() == 1);
  put(dir / "f", zip({{.name = "kv.npy", .content = one_two, .extra = number(0x5455, 2) + number(1, 2) + "x"}}));
  CHECK(read_npz(dir / "f").tensors.size() == 1);
  put(dir / "f", zip({}));
  CHECK(read_npz(dir / "f") == TensorFile{});
}

TEST_CASE("zip64 fields are followed, in entries and in the directory", "[io]") {
  const TempDir dir;
  const std::string extra = number(1, 2) + number(8, 2) + number(one_two.size(), 8);
  put(dir / "f", zip({{.name = "kv.npy", .content = one_two, .size = 0xFFFFFFFF, .extra = extra}}));
  CHECK(read_npz(dir / "f").tensors.size() == 1);

  const std::string plain = zip({{"kv.npy", one_two}});
  const std::size_t directory = plain.find("PK\x01\x02"), end = plain.find("PK\x05\x06");
  const std::string record = "PK\x06\x06" + number(44, 8) + number(0, 12) + number(1, 8) + number(1, 8) +
                             number(end - directory, 8) + number(directory, 8);
  const std::string locator = "PK\x06\x07" + number(0, 4) + number(end, 8) + number(1, 4);
  put(dir / "f",
      zip({{"kv.npy", one_two}}, {.count = 0xFFFF, .directory_offset = 0xFFFFFFFF, .before = record + locator}));
  CHECK(read_npz(dir / "f").tensors.size() == 1);
}

TEST_CASE("Deflated entries are inflated, or refused with one sentence", "[io]") {
  const TempDir dir;
  const std::string content = npy("<f4", "(64,)", std::string(252, '\0') + number(0x3F800000, 4));
  // zlib.compressobj(9, zlib.DEFLATED, -15) of Python 3.11 over the same bytes.
  const std::string deflated = from_hex(
      "9bec17ea1b10c9c860cd50ad9e925a9c5ca46ea5a06e9366"
      "a2aea3a09e965f54529498179f5f94920a12774bcc294e05"
      "8a17672416a402f91a66263a9a3a0ab55c0c231a34d80300");
  const std::uint64_t crc = crc32(std::as_bytes(std::span(content)));
  put(dir / "f", zip({{.name = "kv.npy", .content = deflated, .method = 8, .crc = crc, .size = content.size()}}));
  std::vector<double> expected(64);
  expected[63] = 1;
  const std::string said = refusal([&] { CHECK(to_doubles(read_npz(dir / "f").tensors.at("kv")) == expected); });
  CHECK((said == "(accepted)" || said.find("this build has no zlib") != std::string::npos));
}

TEST_CASE("What is written is read back: dtypes that numpy lacks, metadata, shapes", "[io]") {
  const TempDir dir;
  TensorFile file;
  file.metadata = {{"config", "{\"mode\": \"h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}"}, {"empty", ""}};
  for (const DTypeInfo& row : dtypes()) {
    file.tensors["t." + std::string(row.name)] =
        from_values(std::vector<double>{1, 0, 1, 1, 0, 1}, {3, 1, 2}, row.dtype);
  }
  file.tensors["scalar"] = from_values(std::vector<double>{2.5}, {}, DType::f32);
  file.tensors["none"] = from_values(std::vector<double>{}, {0, 7}, DType::bf16);
  write_npz(dir / "f", file);
  CHECK(read_npz(dir / "f") == file);
  write_npz(dir / "g", file);
  CHECK(get(dir / "f") == get(dir / "g"));
}

TEST_CASE("An archive is written as stored entries of 1980-01-01", "[io]") {
  const TempDir dir;
  write_npz(dir / "f", {{{"kv", from_values(std::vector<double>{1, 2}, {2}, DType::f32)}}, {}});
  std::string expected = zip({{"kv.npy", npy_header("<f4", {2}) + number(0x3F800000, 4) + number(0x40000000, 4)}});
  const std::string date = number(1 << 5 | 1, 2);
  expected.replace(12, 2, date);
  expected.replace(expected.find("PK\x01\x02") + 14, 2, date);
  CHECK(get(dir / "f") == expected);
}

TEST_CASE("What an npz cannot hold is not written", "[io]") {
  const TempDir dir;
  const Tensor one = from_values(std::vector<double>{1}, {1}, DType::f32);
  CHECK_THAT(refusal([&] {
               write_npz(dir / "f", {{{"config", one}}, {{"config", "{}"}}});
             }),
             Contains("f: 'config' is both a tensor and metadata"));
  CHECK_THAT(refusal([&] { write_npz(dir / "f", {{}, {{"k", "\xff"}}}); }), Contains("metadata 'k' is not UTF-8"));
  CHECK_FALSE(std::filesystem::exists(dir / "f"));
}
