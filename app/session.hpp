// SPDX-License-Identifier: Apache-2.0
// Session: what verbs share: recipes with their edits, problems, truths, backends, provenance. Internal to app.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/verbs.hpp"
#include "core/compressor/problem.hpp"
#include "core/compressor/recipe.hpp"
#include "core/compressor/run.hpp"
#include "core/io/tensor_file.hpp"
#include "core/judge/dump.hpp"
#include "core/judge/truth.hpp"
#include "gpu/device.hpp"

namespace ulpscope::app {

/// A recipe with the edits of the command line. Throws InputError.
compressor::Recipe edited(compressor::Recipe recipe, const RecipeEdits& edits);
/// The same from a source. Throws InputError.
compressor::Recipe edited_recipe(const RecipeSource& source, const RecipeEdits& edits);

/// The edits as assignments, "pool.storage=bf16": what results made with them are known by. Without the seed.
std::vector<std::string> settings_of(const RecipeEdits& edits);

/// Its name is a built-in recipe's, and so is all that it says.
bool is_builtin(const compressor::Recipe& recipe);

/// What report and bless run where no recipe, no problem is named.
const std::vector<RecipeSource>& usual_recipes();
const std::vector<std::string>& usual_presets();
compressor::Problem preset_problem(const std::string& name, std::uint64_t seed, unsigned threads);

/// Who runs a recipe. The file backend (a foreign dump) has no `run`: `compare` reads it.
struct Backend {
  std::string_view name;
  std::string_view about;
  compressor::Run (*run)(const compressor::Problem&, const compressor::Recipe&, const compressor::RunOptions&);
  const gpu::Availability& (*availability)() = nullptr;  ///< null: always there
};
std::span<const Backend> backends();
/// A backend that runs recipes. Throws InputError with the known names.
const Backend& backend_named(const std::string& name);

/// The truths of recipes on problems in one tier; equal truths are computed once per problem.
class Truths {
 public:
  /// `cache`: where those of tiers with radii are kept from one process to the next. Throws InputError with the known
  /// tiers.
  Truths(const std::string& tier, const std::optional<reference::TruthCache>& cache, unsigned threads);
  /// Who computes them: from pinned slots too.
  const judge::Exact& exact() const { return exact_; }
  /// What `truth_recipe` (of judge::truth_recipe or judge::plain_truth_recipe) computes, gradients included.
  const judge::Truth& of(const compressor::Problem& problem, const compressor::Recipe& truth_recipe,
                         judge::Basis basis);
  /// Forgets all: before the next problem.
  void clear() { known_.clear(); }

 private:
  judge::Truth compute(const compressor::Problem& problem, const compressor::Recipe& truth_recipe) const;

  judge::Exact exact_;
  unsigned threads_;
  std::map<std::string, judge::Truth> known_;
};

/// Reads tensor files under --dtype: an edit acts on every file that holds its tensor as integers.
class TypedReader {
 public:
  /// Throws InputError: one is not NAME=DTYPE.
  explicit TypedReader(const std::vector<std::string>& dtypes);
  io::TensorFile read(const DumpSource& source);
  compressor::Problem problem(const ProblemSource& source);
  /// Throws InputError where an edit acted on no file that was read.
  void require_used() const;

 private:
  struct Edit {
    io::DTypeOverride dtype;
    bool used = false;
    std::string refusal = {};  ///< why it did not act on a file that holds its tensor
  };
  static void apply(Edit& edit, io::TensorFile& file, const std::string& where);

  std::vector<Edit> edits_;
  std::vector<std::string> names_;  ///< of all tensors that were read
};

/// What sentences call a dump: its path, shown, or the name of tensors in memory.
std::string name_of(const DumpSource& source);
/// A dump brought onto a problem; a map's keys that match nothing are notes.
judge::Dump read_dump(const DumpSource& source, const compressor::Problem& problem,
                      const std::optional<JsonSource>& map, TypedReader& reader);

/// Throws InputError where output and input are one file.
void require_other_file(const std::string& input, const std::string& output);
/// "-" is standard output.
std::string output_path(const std::string& output);
/// "dump.safetensors: 24 slots ...\n"; nothing where the output itself went to standard output.
std::string written(const std::string& output, const std::string& what);

/// Version, commit, compiler, flags, cpu, blas, gpu, threads, date.
io::Json provenance(unsigned threads);

}  // namespace ulpscope::app
