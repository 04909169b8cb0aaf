// SPDX-License-Identifier: Apache-2.0
// .npy arrays, against bytes written by hand as numpy writes them.
#include "core/io/npy.hpp"

#include "tests/core/io/files.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

using namespace ulpscope::io;
using namespace ulpscope::test;

namespace {

NpyArray parse(const std::string& bytes) { return parse_npy(std::as_bytes(std::span(bytes)), "t.npy"); }

Tensor tensor(const std::string& bytes) { return parse(bytes).tensor.value(); }

/// Numbers 0 .. count-1 as little-endian 32-bit integers.
std::string counted(unsigned count) {
  std::string out;
  for (unsigned i = 0; i < count; ++i) out += number(i, 4);
  return out;
}

std::string reversed(std::string text) { return {text.rbegin(), text.rend()}; }

}  // namespace

TEST_CASE("The header of an array is numpy's, byte for byte", "[io]") {
  const std::string made = npy_header("<f4", {3, 4});
  CHECK(made.size() == 128);
  CHECK(made.starts_with(std::string("\x93NUMPY\x01\0\x76\0", 10) +
                         "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   "));
  CHECK(made.ends_with(" \n"));
  CHECK(npy_header("<f4", {}).find("'shape': (), }") != std::string::npos);
  CHECK(npy_header("<f4", {5}).find("'shape': (5,), }") != std::string::npos);
  CHECK(npy_header("<f4", Shape(60, 1)).size() % 64 == 0);
}

TEST_CASE("numpy's dtypes are ours", "[io]") {
  const std::string data(8, '\0');
  const std::vector<std::pair<std::string, DType>> known = {
      {"<f8", DType::f64}, {"<f4", DType::f32}, {"<f2", DType::f16}, {"<i8", DType::i64},
      {"<i4", DType::i32}, {"<u2", DType::u16}, {"|u1", DType::u8},  {"|b1", DType::boolean},
      {"|V2", DType::u16}, {"<V2", DType::u16}, {"|V1", DType::u8},  {"f4", DType::f32}};
  for (const auto& [descr, dtype] : known) {
    CAPTURE(descr);
    const Tensor read = tensor(npy(descr, "(" + std::to_string(8 / size_of(dtype)) + ",)", data));
    CHECK(read.dtype == dtype);
    CHECK(read.bytes.size() == 8);
  }
}

TEST_CASE("Shapes: scalars, empty arrays, many dimensions", "[io]") {
  CHECK(tensor(npy("<i4", "()", number(7, 4))).shape == Shape{});
  CHECK(tensor(npy("<i4", "(0,)", "")).shape == Shape{0});
  CHECK(tensor(npy("<i4", "(18446744073709551615, 0)", "")).bytes.empty());
  CHECK(tensor(npy("<i4", "(1, 2, 1)", counted(2))).shape == Shape{1, 2, 1});
}

TEST_CASE("Versions 2 and 3 have a longer length field", "[io]") {
  const std::string dictionary = "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }\n";
  for (const char version : {'\x02', '\x03'}) {
    const std::string bytes =
        std::string("\x93NUMPY") + version + '\0' + number(dictionary.size(), 4) + dictionary + counted(2);
    CHECK(to_integers(tensor(bytes)) == std::vector<std::int64_t>{0, 1});
  }
}

TEST_CASE("The header's dictionary may come in any order and style", "[io]") {
  const std::string dictionary = "{ \"shape\":(2,1,),'fortran_order' :False ,\n 'descr':\"<i4\"}";
  CHECK(tensor(npy(dictionary, counted(2))).shape == Shape{2, 1});
}

TEST_CASE("Column-major arrays are put in row-major order", "[io]") {
  const auto fortran = [](const std::string& shape) {
    return "{'descr': '<i4', 'fortran_order': True, 'shape': " + shape + ", }\n";
  };
  CHECK(to_integers(tensor(npy(fortran("(2, 3)"), counted(6)))) == std::vector<std::int64_t>{0, 2, 4, 1, 3, 5});
  CHECK(to_integers(tensor(npy(fortran("(2, 2, 3)"), counted(12)))) ==
        std::vector<std::int64_t>{0, 4, 8, 2, 6, 10, 1, 5, 9, 3, 7, 11});
  CHECK(to_integers(tensor(npy(fortran("(4,)"), counted(4)))) == std::vector<std::int64_t>{0, 1, 2, 3});
  CHECK(tensor(npy(fortran("(0, 3)"), "")).bytes.empty());
}

TEST_CASE("Big-endian arrays are swapped", "[io]") {
  CHECK(to_doubles(tensor(npy(">f4", "(2,)", reversed(number(0x3F800000, 4)) + reversed(number(0x40000000, 4))))) ==
        std::vector<double>{1, 2});
  CHECK(to_integers(tensor(npy(">i8", "()", reversed(number(258, 8))))) == std::vector<std::int64_t>{258});
  CHECK(to_integers(tensor(npy(">u2", "()", std::string("\x01\x02")))) == std::vector<std::int64_t>{258});
}

TEST_CASE("Arrays of strings are text", "[io]") {
  CHECK(parse(npy("|S4", "()", std::string("ab\0\0", 4))).text == "ab");
  CHECK(parse(npy("<U3", "()", number('a', 4) + number(0xE9, 4) + number(0x1F600, 4))).text ==
        "a\xc3\xa9\xf0\x9f\x98\x80");
  CHECK(parse(npy(">U1", "(1,)", reversed(number(0x20AC, 4)))).text == "\xe2\x82\xac");
  CHECK(parse(npy("|S2", "(2,)", std::string("a\0bc", 4))).text == R"(["a","bc"])");
  CHECK(parse(npy("<U0", "()", "")).text.empty());
  CHECK_FALSE(parse(npy("|S1", "()", "x")).tensor);
}

TEST_CASE("A .npy file is one tensor, named after the file", "[io]") {
  const TempDir dir;
  const Tensor tensor = from_values(std::vector<double>{1, 2, 3, -4}, {2, 2}, DType::f16);
  write_npy(dir / "pooled.npy", tensor);
  CHECK(read_npy(dir / "pooled.npy").tensors == std::map<std::string, Tensor>{{"pooled", tensor}});
  CHECK(get(dir / "pooled.npy") ==
        npy_header("<f2", {2, 2}) + number(0x3C00, 2) + number(0x4000, 2) + number(0x4200, 2) + number(0xC400, 2));
}
