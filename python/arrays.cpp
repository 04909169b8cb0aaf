// SPDX-License-Identifier: Apache-2.0
// Whoever borrows holds a reference: tensors to the array's object, arrays to the tensor's buffer.
#include "python/arrays.hpp"

#include <cstdint>
#include <memory>

#include "core/io/error.hpp"

namespace ulpscope::python {
namespace {

namespace py = pybind11;

/// A reference that any thread may drop.
std::shared_ptr<const void> keeper_of(py::object object) {
  return {object.release().ptr(), [](PyObject* kept) {
            if (Py_IsInitialized() == 0) return;
            const py::gil_scoped_acquire lock;
            Py_DECREF(kept);
          }};
}

template <class T>
py::array view_of(const io::Buffer<T>& values, const compressor::Shape& shape) {
  auto kept = std::make_unique<io::Buffer<T>>(values);
  const py::capsule base(kept.get(), [](void* buffer) { delete static_cast<io::Buffer<T>*>(buffer); });
  static_cast<void>(kept.release());
  py::array array(py::dtype::of<T>(), shape, values.data(), base);
  py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
  return array;
}

}  // namespace

io::Tensor tensor_of(const std::string& name, const py::array& array, const std::string& dtype) {
  io::Tensor tensor;
  tensor.dtype = io::parse_dtype(dtype, name);
  if (static_cast<std::size_t>(array.itemsize()) != io::size_of(tensor.dtype))
    throw InputError(name + ": elements of " + std::to_string(array.itemsize()) + " bytes are not " +
                     std::string(io::name_of(tensor.dtype)));
  const bool contiguous = (array.flags() & py::array::c_style) != 0;
  const auto address = reinterpret_cast<std::uintptr_t>(array.data());
  if (!contiguous || address % io::size_of(tensor.dtype) != 0)
    throw InputError(name + ": only C-contiguous, aligned arrays can be read in place");
  for (py::ssize_t axis = 0; axis < array.ndim(); ++axis)
    tensor.shape.push_back(static_cast<std::size_t>(array.shape(axis)));
  const auto* bytes = static_cast<const std::byte*>(array.data());
  tensor.bytes = {std::span(bytes, static_cast<std::size_t>(array.nbytes())), keeper_of(array)};
  return tensor;
}

py::array array_of(const compressor::Tensor& tensor) {
  return std::visit([&](const auto& values) { return view_of(values, tensor.shape); }, tensor.data);
}

}  // namespace ulpscope::python
