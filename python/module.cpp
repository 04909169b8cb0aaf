// SPDX-License-Identifier: Apache-2.0
// The module ulpscope._core: errors, the command, and every binding.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/run.hpp"
#include "core/io/error.hpp"
#include "python/bindings.hpp"
#include "ulpscope_version.hpp"

namespace ulpscope::python {
namespace {

namespace py = pybind11;

/// ulpscope.Error, a ValueError: what the command would say with exit code 2. Sizes that no memory has: MemoryError.
void bind_errors(py::module_& module) {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<py::object> storage;
  storage.call_once_and_store_result([&] {
    py::object error = py::exception<InputError>(module, "Error", PyExc_ValueError);
    error.attr("__module__") = "ulpscope";
    error.attr("__doc__") = "Bad input or bad usage, in one sentence that names it and what is known.";
    return error;
  });
  py::register_exception_translator([](std::exception_ptr failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const InputError& error) {
      py::set_error(storage.get_stored(), error.what());
    } catch (const std::invalid_argument& error) {  // precision's own sentences
      py::set_error(storage.get_stored(), error.what());
    } catch (const std::length_error& error) {
      py::set_error(PyExc_MemoryError, error.what());
    }
  });
}

/// The command on the process's own streams; ends the process on SIGINT, as the command does.
int command(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv{"ulpscope"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  const py::gil_scoped_release unlocked;
  cli::exit_on_interrupt();
  const int code = cli::run(static_cast<int>(argv.size()), argv.data());
  std::fflush(stdout);
  std::fflush(stderr);
  return code;
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  module.attr("version") = version::number;
  bind_errors(module);
  bind_problems(module);
  bind_recipes(module);
  bind_runs(module);
  bind_verbs(module);
  bind_numbers(module);
  module.def("command", &command, py::arg("arguments"));
}

}  // namespace ulpscope::python
