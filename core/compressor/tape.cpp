// SPDX-License-Identifier: Apache-2.0
// Tensors of a run to and from tensors of a file.
#include "core/compressor/tape.hpp"

#include <cstdint>
#include <type_traits>

namespace ulpscope::compressor {
namespace {

template <class T>
constexpr io::DType own_dtype = std::is_same_v<T, float> ? io::DType::f32 : io::DType::f64;

/// Whether the bytes can be read in place.
template <class T>
bool is_in_place(const io::Tensor& tensor) {
  return tensor.dtype == own_dtype<T> && reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % alignof(T) == 0;
}

template <class T>
io::Tensor to_file(const Shape& shape, const io::Buffer<T>& values, io::DType dtype) {
  if (dtype == own_dtype<T> && io::checked_count(shape) == values.size())
    return {dtype, shape, io::reinterpret_buffer<std::byte>(values)};
  return io::from_values(std::span<const T>(values), shape, dtype);
}

}  // namespace

Tensor tensor_from_file(const io::Tensor& tensor) {
  using io::DType;
  if (is_in_place<float>(tensor)) return {tensor.shape, io::reinterpret_buffer<float>(tensor.bytes), tensor.dtype};
  if (is_in_place<double>(tensor)) return {tensor.shape, io::reinterpret_buffer<double>(tensor.bytes), tensor.dtype};
  const bool integer = !io::is_float(tensor.dtype);
  if (integer || tensor.dtype == DType::f64) return {tensor.shape, io::to_doubles(tensor), tensor.dtype};
  return {tensor.shape, io::to_floats(tensor), tensor.dtype};
}

io::Tensor tensor_to_file(const Tensor& tensor, io::DType dtype) {
  return std::visit([&](const auto& values) { return to_file(tensor.shape, values, dtype); }, tensor.data);
}

std::vector<double> to_doubles(const Tensor& tensor) {
  return std::visit([](const auto& values) { return std::vector<double>(values.begin(), values.end()); }, tensor.data);
}

}  // namespace ulpscope::compressor
