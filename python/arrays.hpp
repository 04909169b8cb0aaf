// SPDX-License-Identifier: Apache-2.0
// Arrays: numpy memory as tensors and tensors as numpy arrays, without a copy either way.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>

#include "core/compressor/tape.hpp"
#include "core/io/tensor.hpp"

namespace ulpscope::python {

/// Borrows a C-contiguous array whose elements are `dtype` (a name of io::DType); the tensor keeps the array alive.
/// Throws InputError, headed by `name`: not contiguous, not aligned, elements of another size, an unknown dtype.
io::Tensor tensor_of(const std::string& name, const pybind11::array& array, const std::string& dtype);

/// float32 or float64, as the values are carried; read-only, on the tensor's own memory, which it keeps alive.
pybind11::array array_of(const compressor::Tensor& tensor);

}  // namespace ulpscope::python
