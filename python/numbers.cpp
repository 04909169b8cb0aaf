// SPDX-License-Identifier: Apache-2.0
// Numbers: rounding of whole arrays.
#include <pybind11/numpy.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "core/io/error.hpp"
#include "precision/poll.hpp"
#include "precision/round_array.hpp"
#include "python/bindings.hpp"
#include "python/calls.hpp"

namespace ulpscope::python {
namespace {

namespace py = pybind11;
using precision::Format;

template <class T>
using Dense = py::array_t<T, py::array::c_style>;

/// In pieces, so that Ctrl-C is heard; stochastic formats count their draws over the whole array.
template <class T>
void round_pieces(std::span<const T> from, std::span<T> to, const Format& format) {
  constexpr std::size_t piece = std::size_t{1} << 22;
  if (format.mode == precision::RoundingMode::stochastic) return precision::round_array(from, to, format);
  for (std::size_t first = 0; first < from.size(); first += piece) {
    const std::size_t count = std::min(piece, from.size() - first);
    precision::round_array(from.subspan(first, count), to.subspan(first, count), format);
    precision::ask_poll();
  }
}

template <class T>
void round_into(const Dense<T>& from, Dense<T>& to, const std::string& name) {
  const Format format = precision::parse_format(name);
  const std::span<const T> source(from.data(), static_cast<std::size_t>(from.size()));
  const std::span<T> target(to.mutable_data(), static_cast<std::size_t>(to.size()));  // refuses what is read-only
  if (source.size() != target.size()) throw InputError("round: `out` has another size");
  const auto begin = reinterpret_cast<std::uintptr_t>(source.data());
  const auto place = reinterpret_cast<std::uintptr_t>(target.data());
  const std::size_t bytes = source.size_bytes();
  if (begin != place && begin < place + bytes && place < begin + bytes)
    throw InputError("round: `out` overlaps the values in part");
  interruptible([&] { round_pieces(source, target, format); });
}

/// Seconds that the C++ function takes for the same: what `round` is measured against.
double seconds_of_round(const Dense<float>& from, Dense<float>& to, const std::string& name) {
  using Clock = std::chrono::steady_clock;
  const Format format = precision::parse_format(name);
  const auto count = static_cast<std::size_t>(std::min(from.size(), to.size()));
  const auto start = Clock::now();
  precision::round_array(std::span(from.data(), count), std::span(to.mutable_data(), count), format);
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

void bind_numbers(py::module_& module) {
  module.def("round_into", &round_into<float>, py::arg("values").noconvert(), py::arg("out").noconvert(),
             py::arg("format"));
  module.def("round_into", &round_into<double>, py::arg("values").noconvert(), py::arg("out").noconvert(),
             py::arg("format"));
  module.def("seconds_of_round", &seconds_of_round, py::arg("values").noconvert(), py::arg("out").noconvert(),
             py::arg("format"));
}

}  // namespace ulpscope::python
