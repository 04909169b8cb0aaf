// SPDX-License-Identifier: Apache-2.0
// Tensors of a run to and from tensors of a file.
#include "core/compressor/tape.hpp"

namespace ulpscope::compressor {

Tensor tensor_from_file(const io::Tensor& tensor) {
  using io::DType;
  const bool integer = !io::is_float(tensor.dtype);
  if (integer || tensor.dtype == DType::f64) return {tensor.shape, io::to_doubles(tensor), tensor.dtype};
  return {tensor.shape, io::to_floats(tensor), tensor.dtype};
}

io::Tensor tensor_to_file(const Tensor& tensor, io::DType dtype) {
  return std::visit([&](const auto& values) { return io::from_values(std::span(values), tensor.shape, dtype); },
                    tensor.data);
}

std::vector<double> to_doubles(const Tensor& tensor) {
  return std::visit([](const auto& values) { return std::vector<double>(values.begin(), values.end()); }, tensor.data);
}

}  // namespace ulpscope::compressor
