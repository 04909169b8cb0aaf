// SPDX-License-Identifier: Apache-2.0
// Sources: what a verb reads, as a path or in memory already.
#pragma once

#include <memory>
#include <string>
#include <variant>

#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/io/json.hpp"
#include "core/io/tensor.hpp"

namespace ulpscope::app {

/// Tensors as a file would hold them, and the name that sentences and reports give them.
struct NamedTensors {
  io::TensorFile file;
  std::string name;
};

/// A file, or a problem.
using ProblemSource = std::variant<std::string, std::shared_ptr<const compressor::Problem>>;
/// A file, or its tensors.
using DumpSource = std::variant<std::string, std::shared_ptr<const NamedTensors>>;
/// A built-in name or a JSON file, or a recipe.
using RecipeSource = std::variant<std::string, std::shared_ptr<const compressor::Recipe>>;
/// A JSON file, or its JSON.
using JsonSource = std::variant<std::string, io::Json>;

}  // namespace ulpscope::app
