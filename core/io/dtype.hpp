// SPDX-License-Identifier: Apache-2.0
// DType: what a container says an element is; sizes, names, and the bits of the 16- and 8-bit floats.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ulpscope::io {

/// The element types of tensor files. u16 is what npz makes of bf16 (DTypeOverride turns it back).
enum class DType : std::uint8_t { f64, f32, f16, bf16, f8_e4m3, f8_e5m2, boolean, u8, u16, i32, i64 };

/// One row of the table of element types.
struct DTypeInfo {
  DType dtype;
  std::string_view name;    ///< as safetensors writes it: "F32", "BF16", "F8_E4M3"
  std::string_view format;  ///< as recipes write it: "fp32", "bf16", "e4m3fn"; for integers "u8", "i64", "bool"
  std::string_view npy;     ///< numpy's descr, little endian: "<f4"; bf16 is "<u2", the 8-bit floats "|u1"
  std::size_t size;         ///< bytes per element
};

/// THE table, in the order of the enumeration.
std::span<const DTypeInfo> dtypes();

/// The row of `dtype`.
const DTypeInfo& info_of(DType dtype);

inline std::size_t size_of(DType dtype) { return info_of(dtype).size; }
inline std::string_view name_of(DType dtype) { return info_of(dtype).name; }

/// Whether the type is a floating-point format (judged) and not a mask, id or position.
bool is_float(DType dtype);

/// "BF16", "bf16", "fp32", "f32", "e4m3fn", "f8_e4m3" ... -> DType; InputError, headed by `where`, with the known
/// names.
DType parse_dtype(std::string_view name, std::string_view where);

// The bits of the small floats. Decoding is exact. Encoding rounds once, to nearest, ties to even; NaN stays NaN
// (quiet, sign kept); overflow is infinity, and NaN in e4m3fn, which has no infinity (as ml_dtypes does).
float decode_bf16(std::uint16_t bits);
float decode_f16(std::uint16_t bits);
float decode_f8_e4m3(std::uint8_t bits);
float decode_f8_e5m2(std::uint8_t bits);
std::uint16_t encode_bf16(double value);
std::uint16_t encode_f16(double value);
std::uint8_t encode_f8_e4m3(double value);
std::uint8_t encode_f8_e5m2(double value);

}  // namespace ulpscope::io
