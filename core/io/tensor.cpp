// SPDX-License-Identifier: Apache-2.0
// Conversions between bytes and numbers.
#include "core/io/tensor.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace ulpscope::io {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are copied, not swapped");

/// decode: number of element bits B; calls out(i, value) for every element. One place that knows every dtype.
template <class Out, class Bits, class Decode>
void decode_as(const Tensor& tensor, std::vector<Out>& out, Decode decode) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    Bits bits;
    std::memcpy(&bits, tensor.bytes.data() + i * sizeof(Bits), sizeof(Bits));
    out[i] = static_cast<Out>(decode(bits));
  }
}

template <class Out>
std::vector<Out> decoded(const Tensor& tensor) {
  std::vector<Out> out(tensor.bytes.size() / size_of(tensor.dtype));
  const auto same = [](auto value) { return value; };
  switch (tensor.dtype) {
    case DType::f64:
      decode_as<Out, double>(tensor, out, same);
      break;
    case DType::f32:
      decode_as<Out, float>(tensor, out, same);
      break;
    case DType::f16:
      decode_as<Out, std::uint16_t>(tensor, out, decode_f16);
      break;
    case DType::bf16:
      decode_as<Out, std::uint16_t>(tensor, out, decode_bf16);
      break;
    case DType::f8_e4m3:
      decode_as<Out, std::uint8_t>(tensor, out, decode_f8_e4m3);
      break;
    case DType::f8_e5m2:
      decode_as<Out, std::uint8_t>(tensor, out, decode_f8_e5m2);
      break;
    case DType::boolean:
      decode_as<Out, std::uint8_t>(tensor, out, [](std::uint8_t b) { return b != 0; });
      break;
    case DType::u8:
      decode_as<Out, std::uint8_t>(tensor, out, same);
      break;
    case DType::u16:
      decode_as<Out, std::uint16_t>(tensor, out, same);
      break;
    case DType::i32:
      decode_as<Out, std::int32_t>(tensor, out, same);
      break;
    case DType::i64:
      decode_as<Out, std::int64_t>(tensor, out, same);
      break;
  }
  return out;
}

/// To nearest even, saturated; NaN gives 0.
template <class Integer>
Integer to_integer(double value) {
  if (std::isnan(value)) return 0;
  const double rounded = std::nearbyint(value);
  // The largest i64 is no double; 2^63 is, and everything from there on saturates.
  const double beyond = std::ldexp(1.0, std::numeric_limits<Integer>::digits);
  if (rounded >= beyond) return std::numeric_limits<Integer>::max();
  if (rounded <= static_cast<double>(std::numeric_limits<Integer>::min())) return std::numeric_limits<Integer>::min();
  return static_cast<Integer>(rounded);
}

template <class Bits, class In, class Encode>
void encode_as(std::span<const In> values, Tensor& tensor, Encode encode) {
  std::vector<std::byte> bytes(values.size() * sizeof(Bits));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Bits bits = encode(values[i]);
    std::memcpy(bytes.data() + i * sizeof(Bits), &bits, sizeof(Bits));
  }
  tensor.bytes = std::move(bytes);
}

template <class In>
Tensor encoded(std::span<const In> values, Shape shape, DType dtype) {
  if (checked_count(shape) != values.size()) {
    throw std::invalid_argument("a tensor of shape " + to_string(shape) + " cannot hold " +
                                std::to_string(values.size()) + " values");
  }
  Tensor tensor{dtype, std::move(shape), {}};
  switch (dtype) {
    case DType::f64:
      encode_as<double>(values, tensor, [](In x) { return static_cast<double>(x); });
      break;
    case DType::f32:
      encode_as<float>(values, tensor, [](In x) { return static_cast<float>(x); });
      break;
    case DType::f16:
      encode_as<std::uint16_t>(values, tensor, encode_f16);
      break;
    case DType::bf16:
      encode_as<std::uint16_t>(values, tensor, encode_bf16);
      break;
    case DType::f8_e4m3:
      encode_as<std::uint8_t>(values, tensor, encode_f8_e4m3);
      break;
    case DType::f8_e5m2:
      encode_as<std::uint8_t>(values, tensor, encode_f8_e5m2);
      break;
    case DType::boolean:
      encode_as<std::uint8_t>(values, tensor, [](In x) { return std::uint8_t{x != 0}; });
      break;
    case DType::u8:
      encode_as<std::uint8_t>(values, tensor, to_integer<std::uint8_t>);
      break;
    case DType::u16:
      encode_as<std::uint16_t>(values, tensor, to_integer<std::uint16_t>);
      break;
    case DType::i32:
      encode_as<std::int32_t>(values, tensor, to_integer<std::int32_t>);
      break;
    case DType::i64:
      encode_as<std::int64_t>(values, tensor, to_integer<std::int64_t>);
      break;
  }
  return tensor;
}

}  // namespace

std::optional<std::size_t> checked_count(const Shape& shape) {
  std::size_t product = 1;
  bool overflow = false;
  for (const std::size_t extent : shape) {
    if (extent == 0) return 0;  // however large the others are
    overflow = __builtin_mul_overflow(product, extent, &product) || overflow;
  }
  return overflow ? std::nullopt : std::optional(product);
}

std::size_t count(const Shape& shape) { return checked_count(shape).value(); }

void check_size(const std::string& name, const Tensor& tensor) {
  const std::optional<std::size_t> elements = checked_count(tensor.shape);
  if (elements && *elements * size_of(tensor.dtype) == tensor.bytes.size()) return;
  throw std::invalid_argument("tensor '" + name + "' of shape " + to_string(tensor.shape) + " holds " +
                              std::to_string(tensor.bytes.size()) + " bytes of " + std::string(name_of(tensor.dtype)));
}

std::string to_string(const Shape& shape) {
  std::string out = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) out += (i > 0 ? "," : "") + std::to_string(shape[i]);
  return out + "]";
}

std::vector<double> to_doubles(const Tensor& tensor) { return decoded<double>(tensor); }

std::vector<float> to_floats(const Tensor& tensor) { return decoded<float>(tensor); }

std::vector<std::int64_t> to_integers(const Tensor& tensor) {
  if (is_float(tensor.dtype)) {
    throw std::invalid_argument("expected integers (BOOL U8 U16 I32 I64), found " + std::string(name_of(tensor.dtype)));
  }
  return decoded<std::int64_t>(tensor);
}

Tensor from_values(std::span<const double> values, Shape shape, DType dtype) {
  return encoded(values, std::move(shape), dtype);
}

Tensor from_values(std::span<const float> values, Shape shape, DType dtype) {
  return encoded(values, std::move(shape), dtype);
}

Tensor from_integers(std::span<const std::int64_t> values, Shape shape) {
  if (checked_count(shape) != values.size()) {
    throw std::invalid_argument("a tensor of shape " + to_string(shape) + " cannot hold " +
                                std::to_string(values.size()) + " values");
  }
  const auto bytes = std::as_bytes(values);
  return {DType::i64, std::move(shape), std::vector<std::byte>(bytes.begin(), bytes.end())};
}

}  // namespace ulpscope::io
