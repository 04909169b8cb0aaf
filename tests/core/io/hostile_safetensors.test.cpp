// SPDX-License-Identifier: Apache-2.0
// Hostile safetensors files.
#include <sys/stat.h>

#include "core/io/safetensors.hpp"
#include "tests/core/io/hostile.hpp"

using namespace ulpscope::io;
using namespace ulpscope::test;
using Catch::Matchers::Contains;

namespace {

const std::string eight(8, 'x');

/// One tensor 'a' with these fields, 8 bytes of data.
std::string with(const std::string& fields) { return safetensors("{\"a\":{" + fields + "}}", eight); }

std::string two(const std::string& first, const std::string& second) {
  return safetensors(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + first +
                         R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + second + "}}",
                     eight);
}

std::string good_file() {
  return safetensors(R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                     R"("b":{"dtype":"BF16","shape":[2,1],"data_offsets":[4,8]}})",
                     eight);
}

}  // namespace

TEST_CASE("Safetensors files with a broken frame are refused", "[io][hostile]") {
  check_refused({
      {"empty.safetensors", "", "the file is empty"},
      {"seven-bytes.safetensors", "\x02", "at least 8 bytes, this one has 1"},
      {"no-header.safetensors", number(0, 8), "must begin with '{'"},
      {"short-header.safetensors", number(100, 8) + "{}", "header is said to have 100 bytes, the file has 2"},
      {"huge-header.safetensors", number(UINT64_MAX, 8) + "{}",
       "18446744073709551615 bytes, the file has 2 after the length"},
      {"near-overflow.safetensors", number(UINT64_MAX - 7, 8) + "{}",
       "18446744073709551608 bytes, the file has 2 after the length"},
      {"text.safetensors", "hello, this is no tensor file at all", "header is said to have"},
      {"text.txt", "hello, this is no tensor file at all",
       "neither safetensors, npz nor npy: it begins with 'hello, t'"},
      {"leading-space.safetensors", safetensors(" {}"), "must begin with '{'"},
      {"array.safetensors", safetensors("[]"), "must begin with '{'"},
  });
}

TEST_CASE("Safetensors files with a broken header are refused", "[io][hostile]") {
  check_refused({
      {"no-json.safetensors", safetensors("{\"a\":"), "header: not valid JSON"},
      {"two-values.safetensors", safetensors("{}{}"), "header: not valid JSON"},
      {"nul-padding.safetensors", safetensors(std::string("{}\0\0", 4)), "a NUL byte at offset 2"},
      {"bad-utf8.safetensors", safetensors("{\"\xff\":{}}"), "header: not valid JSON"},
      {"deep.safetensors", safetensors("{\"a\":" + std::string(100000, '[')), "nested deeper than 64"},
      {"deep-objects.safetensors",
       safetensors("{\"a\":" + std::string(500, ' ') + "{\"a\":[[[[" + std::string(70, '[')), "nested deeper"},
      {"twice.safetensors", safetensors(R"({"a":{},"a":{}})"), "key 'a' appears twice"},
      {"field-twice.safetensors", with(R"("dtype":"U8","dtype":"F32","shape":[8],"data_offsets":[0,8])"),
       "key 'dtype' appears twice"},
      {"metadata-array.safetensors", safetensors(R"({"__metadata__":[]})"),
       "__metadata__ must be an object of strings"},
      {"metadata-number.safetensors", safetensors(R"({"__metadata__":{"k":1}})"),
       "__metadata__ field 'k' must be a string, found number"},
      {"metadata-null.safetensors", safetensors(R"({"__metadata__":null})"),
       "__metadata__ must be an object of strings"},
      {"tensor-number.safetensors", safetensors(R"({"a":1})"), "tensor 'a' must be an object, found number"},
      {"empty-name.safetensors", safetensors(R"({"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})"),
       "a tensor has an empty name"},
      {"newline-in-name.safetensors", safetensors("{\"a\\nb\":1}"), "tensor 'a\\x0ab' must be an object"},
      {"long-name.safetensors", safetensors("{\"" + std::string(5000, 'n') + "\":1}"), "...' must be an object"},
  });
}

TEST_CASE("Safetensors tensors with broken fields are refused", "[io][hostile]") {
  check_refused({
      {"no-dtype.safetensors", with(R"("shape":[8],"data_offsets":[0,8])"), "tensor 'a': dtype must be a string"},
      {"dtype-number.safetensors", with(R"("dtype":5,"shape":[8],"data_offsets":[0,8])"),
       "tensor 'a': dtype must be a string"},
      {"dtype.safetensors", with(R"("dtype":"F31","shape":[2],"data_offsets":[0,8])"),
       "unknown dtype 'F31'; did you mean 'F32'? known: F64"},
      {"unread-dtype.safetensors", with(R"("dtype":"I16","shape":[4],"data_offsets":[0,8])"),
       "tensor 'a': unknown dtype 'I16'"},
      {"extra-field.safetensors", with(R"("dtype":"U8","shape":[8],"data_offsets":[0,8],"shap":1)"),
       "unknown field 'shap'; did you mean 'shape'?"},
      {"no-shape.safetensors", with(R"("dtype":"U8","data_offsets":[0,8])"), "tensor 'a': shape must be an array"},
      {"negative-shape.safetensors", with(R"("dtype":"U8","shape":[-8],"data_offsets":[0,8])"),
       "whole numbers >= 0, found -8"},
      {"float-shape.safetensors", with(R"("dtype":"U8","shape":[8.0],"data_offsets":[0,8])"),
       "whole numbers >= 0, found 8.0"},
      {"string-shape.safetensors", with(R"("dtype":"U8","shape":["8"],"data_offsets":[0,8])"),
       "whole numbers >= 0, found \"8\""},
      {"giant-shape.safetensors", with(R"("dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,8])"),
       "whole numbers >= 0"},
      {"overflow.safetensors", with(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8])"),
       "is larger than any file"},
      {"overflow-bytes.safetensors", with(R"("dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,8])"),
       "is larger than any file"},
      {"wrapping-size.safetensors", with(R"("dtype":"F32","shape":[4611686018427387906],"data_offsets":[0,8])"),
       "is larger than any file"},
      {"many-dimensions.safetensors",
       with(R"("dtype":"U8","shape":[8)" +
            [] {
              std::string s;
              for (int i = 0; i < 70; ++i) s += ",1";
              return s;
            }() +
            R"(],"data_offsets":[0,8])"),
       "shape has 71 dimensions, at most 64"},
      {"wrong-shape.safetensors", with(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"),
       "shape [3] of F32 needs 12 bytes, data_offsets span 8"},
  });
}

TEST_CASE("Safetensors byte ranges that do not tile the file are refused", "[io][hostile]") {
  check_refused({
      {"no-offsets.safetensors", with(R"("dtype":"U8","shape":[8])"), "tensor 'a': data_offsets must be an array"},
      {"three-offsets.safetensors", with(R"("dtype":"U8","shape":[8],"data_offsets":[0,4,8])"),
       "data_offsets must be two numbers, found 3"},
      {"backwards.safetensors", with(R"("dtype":"U8","shape":[8],"data_offsets":[8,0])"),
       "data_offsets [8,0] do not lie within the 8 bytes"},
      {"beyond.safetensors", with(R"("dtype":"U8","shape":[9],"data_offsets":[0,9])"),
       "data_offsets [0,9] do not lie within the 8 bytes"},
      {"far-beyond.safetensors",
       with(R"("dtype":"U8","shape":[8],"data_offsets":[18446744073709551608,18446744073709551615])"),
       "do not lie within"},
      {"negative-offset.safetensors", with(R"("dtype":"U8","shape":[8],"data_offsets":[-8,0])"),
       "whole numbers >= 0, found -8"},
      {"overlap.safetensors", two("[0,4]", "[2,6]"),
       "tensor 'b' overlaps the tensor before it: its data begin at 2, expected 4"},
      {"same-range.safetensors", two("[0,4]", "[0,4]"), "overlaps the tensor before it"},
      {"hole-between.safetensors", two("[0,4]", "[5,9]"), "do not lie within"},
      {"hole-before.safetensors", safetensors(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})", eight),
       "leaves a hole before it: its data begin at 4, expected 0"},
      {"trailing-bytes.safetensors", safetensors(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", eight),
       "holds 8 bytes of data, its tensors account for 4"},
      {"no-tensors-but-data.safetensors", safetensors("{}", eight), "holds 8 bytes of data, its tensors account for 0"},
  });
}

TEST_CASE("What is no file is refused", "[io][hostile]") {
  const TempDir dir;
  CHECK_THAT(refusal([&] { read_tensors(dir.path()); }),
             Contains(dir.path().string() + ": expected a file, found a directory"));
  CHECK_THAT(refusal([&] { read_tensors(dir / "absent.safetensors"); }),
             Contains("absent.safetensors: cannot be read: No such file"));
  CHECK_THAT(refusal([&] { read_tensors(""); }), Contains("(empty path): cannot be read"));
  CHECK_THAT(refusal([&] { read_tensors(dir / "a\nb"); }), Contains("a\\x0ab: cannot be read") && !Contains("\n"));
  CHECK_THAT(refusal([&] { SafetensorsView view(dir.path()); }), Contains("found a directory"));
  std::filesystem::create_symlink(dir / "loop", dir / "loop");
  CHECK_THAT(refusal([&] { read_tensors(dir / "loop"); }), Contains("loop: cannot be read"));
}

TEST_CASE("Every truncation of a safetensors file is refused", "[io][hostile]") { check_truncations(good_file()); }

TEST_CASE("Damaged safetensors files are read or refused", "[io][hostile]") { check_damage(good_file(), 4000); }
