// SPDX-License-Identifier: Apache-2.0
// The smallest problem, its dump, and the command line that shows the failure.
#include "app/save_case.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "app/session.hpp"
#include "core/io/atomic_file.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/io/tensor_file.hpp"
#include "core/judge/failing_case.hpp"
#include "ulpscope_version.hpp"

namespace ulpscope::app {
namespace {

/// Single quotes for a shell.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string script(const std::string& name, const std::string& recipe, const std::string& about) {
  return fmt::format(
      "#!/bin/sh\n# {}\ncd \"$(dirname \"$0\")\" || exit 2\nexec \"${{ULPSCOPE:-ulpscope}}\" compare {} {} --recipe {} "
      "\"$@\"\n",
      about, quoted(name + ".problem.safetensors"), quoted(name + ".dump.safetensors"), quoted(recipe));
}

}  // namespace

std::string save_case(const std::string& stem, const Compared& compared) {
  if (!compared.recipe) throw InputError("--save-case needs a recipe that says what should have come out: --recipe");
  if (!compared.verdict) return "Nothing fails, so no case was written.";
  const compressor::Recipe& recipe = *compared.recipe;
  std::optional<judge::FailingCase> cut =
      judge::failing_window(compared.problem, compared.dump, recipe, *compared.verdict);
  const bool whole = !cut;
  if (whole) cut = judge::FailingCase{compared.problem, compared.dump.tape, "the whole problem"};

  const std::string name = std::filesystem::path(stem).filename().string();
  std::string recipe_name = recipe.name;
  if (!is_builtin(recipe)) {
    recipe_name = name + ".recipe.json";
    io::write_json(stem + ".recipe.json", recipe.spec);
  }
  const judge::DumpLabel label{recipe.spec.dump(), "file", compressor::problem_sha256(cut->problem), version::number};
  io::write_tensors(stem + ".problem.safetensors", compressor::problem_to_file(cut->problem));
  io::write_tensors(stem + ".dump.safetensors", judge::dump_to_file(cut->tape, cut->problem.config, label));
  const std::string sentence = io::printable(compared.verdict->sentence);
  io::write_text(stem + ".sh", script(name, recipe_name, fmt::format("{}: {}", cut->about, sentence)));
  return fmt::format("{}.sh and the files beside it hold {}{}.", io::shown(stem), cut->about,
                     whole ? ": no window fails so by itself" : ", which fails in the same way");
}

}  // namespace ulpscope::app
