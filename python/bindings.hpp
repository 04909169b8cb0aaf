// SPDX-License-Identifier: Apache-2.0
// Bindings: what the module `ulpscope._core` consists of. The package's Python files give it its public face.
#pragma once

#include <pybind11/pybind11.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/execute.hpp"
#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/io/tensor.hpp"

namespace ulpscope::python {

using ProblemPtr = std::shared_ptr<compressor::Problem>;
using RecipePtr = std::shared_ptr<compressor::Recipe>;
using Tensors = std::map<std::string, io::Tensor>;

/// A finished run, and what its file's metadata says.
struct Result {
  ProblemPtr problem;
  RecipePtr recipe;
  std::vector<std::size_t> chunks;
  std::string mutant;
  app::Executed executed;

  app::Maker maker() const { return {*problem, *recipe, chunks, mutant}; }
};

void bind_problems(pybind11::module_& module);
void bind_recipes(pybind11::module_& module);
void bind_runs(pybind11::module_& module);
void bind_verbs(pybind11::module_& module);
void bind_numbers(pybind11::module_& module);

}  // namespace ulpscope::python
