// SPDX-License-Identifier: Apache-2.0
// The table of element types, and the bits of the small floats: precision's formats, seen from files.
#include "core/io/dtype.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <vector>

#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "precision/format.hpp"
#include "precision/ulp.hpp"

namespace ulpscope::io {
namespace {

constexpr std::array<DTypeInfo, 11> table = {{
    {DType::f64, "F64", "fp64", "<f8", 8},
    {DType::f32, "F32", "fp32", "<f4", 4},
    {DType::f16, "F16", "fp16", "<f2", 2},
    {DType::bf16, "BF16", "bf16", "<u2", 2},
    {DType::f8_e4m3, "F8_E4M3", "e4m3fn", "|u1", 1},
    {DType::f8_e5m2, "F8_E5M2", "e5m2", "|u1", 1},
    {DType::boolean, "BOOL", "bool", "|b1", 1},
    {DType::u8, "U8", "u8", "|u1", 1},
    {DType::u16, "U16", "u16", "<u2", 2},
    {DType::i32, "I32", "i32", "<i4", 4},
    {DType::i64, "I64", "i64", "<i8", 8},
}};

const precision::Format& format_of(DType dtype) {
  static const std::array<precision::Format, 6> formats = [] {
    std::array<precision::Format, 6> out;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = precision::parse_format(table[i].format);
    return out;
  }();
  return formats.at(static_cast<std::size_t>(dtype));
}

/// Every code of a small float, decoded once.
template <DType dtype>
float decoded(std::size_t bits) {
  static const std::vector<float> values = [] {
    std::vector<float> out(std::size_t{1} << (8 * size_of(dtype)));
    for (std::size_t code = 0; code < out.size(); ++code) {
      out[code] = static_cast<float>(precision::decode(code, format_of(dtype)));
    }
    return out;
  }();
  return values[bits];
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return out;
}

}  // namespace

std::span<const DTypeInfo> dtypes() { return table; }

const DTypeInfo& info_of(DType dtype) { return table.at(static_cast<std::size_t>(dtype)); }

bool is_float(DType dtype) { return dtype <= DType::f8_e5m2; }

DType parse_dtype(std::string_view name, std::string_view where) {
  const std::string wanted = lower(name);
  for (const DTypeInfo& row : table) {
    if (wanted == lower(row.name) || wanted == row.format) return row.dtype;
  }
  std::vector<std::string> known;
  for (const DTypeInfo& row : table) known.emplace_back(row.format);
  throw InputError(std::string(where) + ": " + unknown_name("dtype", name, known));
}

float decode_bf16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
float decode_f16(std::uint16_t bits) { return decoded<DType::f16>(bits); }
float decode_f8_e4m3(std::uint8_t bits) { return decoded<DType::f8_e4m3>(bits); }
float decode_f8_e5m2(std::uint8_t bits) { return decoded<DType::f8_e5m2>(bits); }

std::uint16_t encode_bf16(double value) {
  const auto narrow = static_cast<float>(value);
  const auto bits = std::bit_cast<std::uint32_t>(narrow);
  const bool exact =
      narrow == value && (bits & 0xFFFF) == 0;  // nearly always: tensors of bf16 values are written as bf16
  return static_cast<std::uint16_t>(exact ? bits >> 16 : precision::encode(value, format_of(DType::bf16)));
}
std::uint16_t encode_f16(double value) {
  return static_cast<std::uint16_t>(precision::encode(value, format_of(DType::f16)));
}
std::uint8_t encode_f8_e4m3(double value) {
  return static_cast<std::uint8_t>(precision::encode(value, format_of(DType::f8_e4m3)));
}
std::uint8_t encode_f8_e5m2(double value) {
  return static_cast<std::uint8_t>(precision::encode(value, format_of(DType::f8_e5m2)));
}

}  // namespace ulpscope::io
