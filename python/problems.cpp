// SPDX-License-Identifier: Apache-2.0
// Problems: drawn, from files, from arrays; tensors on their way in.
#include <pybind11/stl.h>

#include <optional>

#include "app/verbs.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/io/reinterpret.hpp"
#include "core/io/tensor_file.hpp"
#include "python/arrays.hpp"
#include "python/bindings.hpp"
#include "python/calls.hpp"

namespace ulpscope::python {
namespace {

namespace py = pybind11;
using compressor::Problem;

/// "NAME=DTYPE", as --dtype has it.
void reinterpret_all(io::TensorFile& file, const std::vector<std::string>& dtypes, const std::string& where) {
  for (const std::string& text : dtypes) io::reinterpret(file, io::parse_dtype_override(text), where);
}

ProblemPtr from_arrays(const std::string& config, const Tensors& tensors, const std::vector<std::string>& dtypes) {
  return interruptible([&] {
    io::TensorFile file{
        tensors,
        {{"config",
          compressor::to_json(compressor::config_from_json(io::parse_json(config, "config"), "config")).dump()}}};
    reinterpret_all(file, dtypes, "arrays");
    return std::make_shared<Problem>(compressor::problem_from_file(file, "arrays"));
  });
}

ProblemPtr from_file(const std::string& path, const std::vector<std::string>& dtypes) {
  return interruptible([&] {
    io::TensorFile file = io::read_tensors(path);
    reinterpret_all(file, dtypes, io::shown(path));
    return std::make_shared<Problem>(compressor::problem_from_file(file, io::shown(path)));
  });
}

struct Draw {
  std::optional<std::string> preset, config;
  std::optional<std::size_t> batch, seq, hidden, head_dim;
  std::uint64_t seed = 0;
  std::optional<double> gate_sigma, ape_sigma;
  unsigned threads = 1;
};

ProblemPtr drawn(const Draw& draw) {
  return interruptible([&] {
    app::MakeOptions options;
    options.preset = draw.preset;
    if (draw.config) options.config = io::parse_json(*draw.config, "config");
    options.batch = draw.batch;
    options.seq = draw.seq;
    options.hidden = draw.hidden;
    options.head_dim = draw.head_dim;
    options.seed = draw.seed;
    options.gate_sigma = draw.gate_sigma;
    options.ape_sigma = draw.ape_sigma;
    options.threads = draw.threads;
    return std::make_shared<Problem>(app::made(options));
  });
}

std::vector<std::string> names_of(const Problem& problem) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : problem.inputs) names.emplace_back(compressor::to_string(name));
  return names;
}

py::array array_named(const Problem& problem, const std::string& text) {
  const auto slot = compressor::find_slot(text);
  const bool input = slot && slot->direction == compressor::Direction::forward && problem.has(slot->name);
  if (!input) throw py::key_error(problem.source + ": " + io::unknown_name("input", text, names_of(problem)));
  return array_of(problem.input(slot->name));
}

}  // namespace

void bind_problems(py::module_& module) {
  py::class_<io::Tensor>(module, "Tensor")
      .def_property_readonly("shape", [](const io::Tensor& tensor) { return tensor.shape; })
      .def("array", [](const io::Tensor& tensor) { return array_of(compressor::tensor_from_file(tensor)); });
  module.def("tensor", &tensor_of, py::arg("name"), py::arg("array"), py::arg("dtype"));

  py::class_<Draw>(module, "Draw")
      .def(py::init<>())
      .def_readwrite("preset", &Draw::preset)
      .def_readwrite("config", &Draw::config)
      .def_readwrite("batch", &Draw::batch)
      .def_readwrite("seq", &Draw::seq)
      .def_readwrite("hidden", &Draw::hidden)
      .def_readwrite("head_dim", &Draw::head_dim)
      .def_readwrite("seed", &Draw::seed)
      .def_readwrite("gate_sigma", &Draw::gate_sigma)
      .def_readwrite("ape_sigma", &Draw::ape_sigma)
      .def_readwrite("threads", &Draw::threads);
  py::class_<Problem, ProblemPtr>(module, "Problem")
      .def_static("from_arrays", &from_arrays, py::arg("config"), py::arg("tensors"), py::arg("dtypes"))
      .def_static("from_file", &from_file, py::arg("path"), py::arg("dtypes"))
      .def_static("drawn", &drawn, py::arg("draw"))
      .def("array", &array_named, py::arg("name"))
      .def("names", &names_of)
      .def("config", [](const Problem& problem) { return compressor::to_json(problem.config).dump(); })
      .def("sha256",
           [](const Problem& problem) { return interruptible([&] { return compressor::problem_sha256(problem); }); })
      .def(
          "write",
          [](const Problem& problem, const std::string& path) {
            interruptible([&] { io::write_tensors(path, compressor::problem_to_file(problem)); });
          },
          py::arg("path"))
      .def_readonly("source", &Problem::source);
}

}  // namespace ulpscope::python
