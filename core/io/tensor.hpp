// SPDX-License-Identifier: Apache-2.0
// Tensor: shape, element type and bytes, as files hold them; TensorFile; conversions to and from numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/io/buffer.hpp"
#include "core/io/dtype.hpp"

namespace ulpscope::io {

using Shape = std::vector<std::size_t>;

/// A dense tensor, row-major, little endian; bytes.size() == count(shape) * size_of(dtype). An empty shape is a scalar.
struct Tensor {
  DType dtype = DType::f32;
  Shape shape;
  Buffer<std::byte> bytes;

  bool operator==(const Tensor&) const = default;
};

/// What a problem or a dump holds, whatever the container: tensors by name, and strings by key.
struct TensorFile {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;

  bool operator==(const TensorFile&) const = default;
};

/// The product of the extents (1 for a scalar), or nothing where it does not fit in size_t.
std::optional<std::size_t> checked_count(const Shape& shape);

/// Number of elements. Precondition: the product fits.
std::size_t count(const Shape& shape);

/// std::invalid_argument if the number of bytes is not what shape and dtype make of it: every writer asks first.
void check_size(const std::string& name, const Tensor& tensor);

/// "[2,38,64]".
std::string to_string(const Shape& shape);

/// Every element as a double, exactly (i64 beyond 2^53: to nearest). Booleans are 0 and 1.
std::vector<double> to_doubles(const Tensor& tensor);

/// Every element as a float: exact for f32, f16, bf16, f8, boolean, u8, u16; f64, i32, i64 to nearest even.
std::vector<float> to_floats(const Tensor& tensor);

/// Every element of a boolean, u8, u16, i32 or i64 tensor, exactly; std::invalid_argument for a float tensor.
std::vector<std::int64_t> to_integers(const Tensor& tensor);

/// A tensor of `dtype` from values, each rounded once to nearest even (dtype.hpp says what overflow gives; integers
/// saturate, NaN gives 0; a boolean is value != 0). std::invalid_argument if values.size() != count(shape).
Tensor from_values(std::span<const double> values, Shape shape, DType dtype);
Tensor from_values(std::span<const float> values, Shape shape, DType dtype);

/// An i64 tensor (positions, ids). std::invalid_argument if values.size() != count(shape).
Tensor from_integers(std::span<const std::int64_t> values, Shape shape);

}  // namespace ulpscope::io
