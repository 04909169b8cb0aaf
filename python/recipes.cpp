// SPDX-License-Identifier: Apache-2.0
// Recipes: built in, from files, from JSON; edited.
#include <pybind11/stl.h>

#include <optional>

#include "app/session.hpp"
#include "python/bindings.hpp"

namespace ulpscope::python {
namespace {

namespace py = pybind11;
using compressor::Recipe;

RecipePtr edited(const Recipe& recipe, const app::RecipeEdits& edits) {
  return std::make_shared<Recipe>(app::edited(recipe, edits));
}

}  // namespace

void bind_recipes(py::module_& module) {
  py::class_<app::RecipeEdits>(module, "RecipeEdits")
      .def(py::init<>())
      .def_readwrite("settings", &app::RecipeEdits::settings)
      .def_readwrite("omit", &app::RecipeEdits::omit)
      .def_readwrite("remainder", &app::RecipeEdits::remainder)
      .def_readwrite("seed", &app::RecipeEdits::seed);
  py::class_<Recipe, RecipePtr>(module, "Recipe")
      .def_static(
          "load", [](const std::string& name) { return std::make_shared<Recipe>(compressor::load_recipe(name)); },
          py::arg("name_or_path"))
      .def_static(
          "from_json",
          [](const std::string& text) {
            return std::make_shared<Recipe>(compressor::recipe_from_json(io::parse_json(text, "recipe"), "recipe"));
          },
          py::arg("text"))
      .def("edited", &edited, py::arg("edits"))
      .def("json", [](const Recipe& recipe) { return recipe.spec.dump(); })
      .def_readonly("name", &Recipe::name)
      .def_readonly("about", &Recipe::about)
      .def_readonly("source", &Recipe::source);
}

}  // namespace ulpscope::python
