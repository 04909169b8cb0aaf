// SPDX-License-Identifier: Apache-2.0
// Runs: a recipe on a problem; its slots as arrays on the tape's own memory.
#include <fmt/format.h>
#include <pybind11/stl.h>

#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/io/tensor_file.hpp"
#include "python/arrays.hpp"
#include "python/bindings.hpp"
#include "python/calls.hpp"

namespace ulpscope::python {
namespace {

namespace py = pybind11;
using compressor::Decoded;
using compressor::Run;

/// A few milliseconds in any arithmetic.
bool is_short(const compressor::Config& config) {
  const double products = static_cast<double>(config.batch) * static_cast<double>(config.seq) *
                          static_cast<double>(config.features()) *
                          static_cast<double>(config.hidden + config.window_slots());
  return products < 1 << 18;
}

std::shared_ptr<Result> execute(const ProblemPtr& problem, const RecipePtr& recipe,
                                const app::ExecuteOptions& options) {
  const auto call = [&] {
    return std::make_shared<Result>(
        Result{problem, recipe, options.chunks, options.mutant, app::execute(*problem, *recipe, options)});
  };
  return is_short(problem->config) ? unlocked(call) : interruptible(call);
}

/// Calls work(name, tensor, format) for everything that a run holds, in program order.
template <class Work>
void for_each(const Result& result, Work work) {
  if (const auto* run = std::get_if<Run>(&result.executed)) {
    for (const compressor::Slot slot : compressor::program_order(*result.problem, *result.recipe))
      if (const compressor::Record* record = run->tape.find(slot))
        work(compressor::to_string(slot), record->tensor, record->format);
    return;
  }
  const Decoded& decoded = std::get<Decoded>(result.executed);
  for (std::size_t k = 0; k < decoded.entries.size(); ++k)
    work(fmt::format("entries.{:02}", k), decoded.entries[k], decoded.entry_format);
  if (!decoded.entries.empty()) work("output", decoded.entries.back(), decoded.entry_format);
  work("state.kv", decoded.state_kv, decoded.kv_format);
  work("state.gate", decoded.state_gate, decoded.gate_format);
}

std::vector<std::string> names_of(const Result& result) {
  std::vector<std::string> names;
  for_each(result, [&](const std::string& name, const auto&, const auto&) { names.push_back(name); });
  return names;
}

std::map<std::string, std::string> absent_of(const Result& result) {
  std::map<std::string, std::string> absent;
  if (const auto* run = std::get_if<Run>(&result.executed))
    for (const auto& [slot, reason] : run->tape.absent()) absent.emplace(compressor::to_string(slot), reason);
  return absent;
}

/// Why a name gives no array.
std::string missing_sentence(const Result& result, const std::string& name) {
  const auto absent = absent_of(result);
  const auto found = absent.find(name);
  if (found != absent.end()) return "slot '" + name + "' is absent: " + found->second;
  return io::unknown_name("slot", name, names_of(result));
}

py::array array_named(const Result& result, const std::string& name) {
  if (const auto* run = std::get_if<Run>(&result.executed)) {
    const auto slot = compressor::find_slot(name);
    const compressor::Record* record = slot ? run->tape.find(*slot) : nullptr;
    if (record != nullptr) return array_of(record->tensor);
    throw py::key_error(missing_sentence(result, name));
  }
  py::object array = py::none();
  for_each(result, [&](const std::string& own, const compressor::Tensor& tensor, const auto&) {
    if (own == name) array = array_of(tensor);
  });
  if (array.is_none()) throw py::key_error(missing_sentence(result, name));
  return array;
}

std::map<std::string, std::string> formats_of(const Result& result) {
  std::map<std::string, std::string> formats;
  for_each(result, [&](const std::string& name, const auto&, const precision::Format& format) {
    formats.emplace(name, format.name);
  });
  return formats;
}

compressor::Config config_of(const Result& result) {
  if (const auto* run = std::get_if<Run>(&result.executed)) return run->config;
  return compressor::effective_config(result.problem->config, *result.recipe);
}

/// Seconds of this thread for `count` runs through C++ alone: what a call from Python is measured against.
double seconds_of_runs(const ProblemPtr& problem, const RecipePtr& recipe, std::size_t count) {
  const double start = thread_seconds();
  for (std::size_t i = 0; i < count; ++i) static_cast<void>(app::execute(*problem, *recipe, {}));
  return thread_seconds() - start;
}

}  // namespace

void bind_runs(py::module_& module) {
  py::class_<app::ExecuteOptions>(module, "ExecuteOptions")
      .def(py::init([](std::string backend, std::vector<std::size_t> chunks, unsigned threads) {
             return app::ExecuteOptions{std::move(backend), compressor::Gradients::all, std::move(chunks), threads};
           }),
           py::arg("backend"), py::arg("chunks"), py::arg("threads"))
      .def("leave_out_gradients", [](app::ExecuteOptions& options) { options.gradients = compressor::Gradients::none; })
      .def(
          "plant", [](app::ExecuteOptions& options, std::string mutant) { options.mutant = std::move(mutant); },
          py::arg("mutant"));
  py::class_<Result, std::shared_ptr<Result>>(module, "Run")
      .def("array", &array_named, py::arg("name"))
      .def("names", &names_of)
      .def("absent", &absent_of)
      .def("formats", &formats_of)
      .def("config", [](const Result& result) { return compressor::to_json(config_of(result)).dump(); })
      .def("backend",
           [](const Result& result) {
             const auto* run = std::get_if<Run>(&result.executed);
             return run != nullptr ? run->backend : std::string("traced");
           })
      .def(
          "write",
          [](const Result& result, const std::string& path) {
            interruptible([&] { io::write_tensors(path, app::dump_of(result.executed, result.maker())); });
          },
          py::arg("path"));
  module.def("execute", &execute, py::arg("problem").none(false), py::arg("recipe").none(false), py::arg("options"));
  module.def("seconds_of_runs", &seconds_of_runs, py::arg("problem").none(false), py::arg("recipe").none(false),
             py::arg("count"));
}

}  // namespace ulpscope::python
