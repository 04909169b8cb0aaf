// SPDX-License-Identifier: Apache-2.0
// Backends are listed here, one line each; nothing registers itself.
#include "app/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/io/reinterpret.hpp"
#include "core/io/tensor_file.hpp"
#include "gpu/run_cuda.hpp"
#include "reference/truth.hpp"

namespace ulpscope::app {
namespace {

using compressor::Problem;
using compressor::Recipe;

constexpr std::array<Backend, 4> backend_table{{
    {"traced", "every slot is kept", compressor::run_traced},
    {"fused", "output and gradients of inputs only, window block by window block", compressor::run_fused},
    {"cuda", "every slot is kept, computed by a GPU, with the bits of `traced`", gpu::run_cuda, gpu::availability},
    {"file", "a dump made elsewhere: compare reads it", nullptr},
}};

}  // namespace

Recipe edited(Recipe recipe, const RecipeEdits& edits) {
  for (const std::string& setting : edits.settings) recipe = compressor::with_setting(recipe, setting);
  if (!edits.omit.empty()) {
    std::string names;
    for (const auto stage : recipe.omit) names += std::string(compressor::to_string(stage)) + ',';
    for (const std::string& stage : edits.omit) names += stage + ',';
    names.pop_back();
    recipe = compressor::with_setting(recipe, "omit=" + names);
  }
  if (edits.seed) recipe = compressor::with_setting(recipe, "seed=" + std::to_string(*edits.seed));
  if (edits.remainder) recipe = compressor::with_setting(recipe, "remainder=" + *edits.remainder);
  return recipe;
}

Recipe edited_recipe(const RecipeSource& source, const RecipeEdits& edits) {
  if (const auto* recipe = std::get_if<std::shared_ptr<const Recipe>>(&source)) return edited(**recipe, edits);
  return edited(compressor::load_recipe(std::get<std::string>(source)), edits);
}

std::vector<std::string> settings_of(const RecipeEdits& edits) {
  std::vector<std::string> settings = edits.settings;
  for (const std::string& stage : edits.omit) settings.push_back("omit=" + stage);
  if (edits.remainder) settings.push_back("remainder=" + *edits.remainder);
  return settings;
}

bool is_builtin(const Recipe& recipe) {
  const std::vector<std::string> known = compressor::builtin_recipe_names();
  return std::find(known.begin(), known.end(), recipe.name) != known.end() &&
         compressor::load_recipe(recipe.name).spec == recipe.spec;
}

const std::vector<RecipeSource>& usual_recipes() {
  static const std::vector<RecipeSource> usual{"fp32", "native", "hf", "pr3810", "maxtext", "bf16-pure"};
  return usual;
}

const std::vector<std::string>& usual_presets() {
  static const std::vector<std::string> usual{"small-csa", "small-hca"};
  return usual;
}

Problem preset_problem(const std::string& name, std::uint64_t seed, unsigned threads) {
  compressor::MakeOptions options;
  options.seed = seed;
  options.threads = threads;
  Problem problem = compressor::make_problem(compressor::preset(name), options);
  problem.source = fmt::format("preset {}, seed {}", name, seed);
  return problem;
}

std::span<const Backend> backends() { return backend_table; }

const Backend& backend_named(const std::string& name) {
  std::vector<std::string> known;
  for (const Backend& backend : backend_table) {
    if (backend.run == nullptr) continue;
    if (backend.name == name) return backend;
    known.emplace_back(backend.name);
  }
  throw InputError(io::unknown_name("backend", name, known));
}

Truths::Truths(const std::string& tier, const std::optional<reference::TruthCache>& cache, unsigned threads)
    : exact_(reference::exact_in(tier)), threads_(threads) {
  if (cache) exact_ = reference::cached(std::move(exact_), *cache);
}

const judge::Truth& Truths::of(const Problem& problem, const Recipe& truth_recipe, judge::Basis basis) {
  io::Json identity = truth_recipe.spec;
  identity.erase("name");
  identity["config"] = compressor::to_json(problem.config);
  const std::string key = problem.source + '\n' + identity.dump();
  const auto found = known_.find(key);
  if (found != known_.end()) return found->second;
  judge::Truth truth = compute(problem, truth_recipe);
  truth.info.basis = basis;
  return known_.emplace(key, std::move(truth)).first->second;
}

judge::Truth Truths::compute(const Problem& problem, const Recipe& truth_recipe) const {
  if (exact_.info.tier != "fp64") return judge::truth_by(exact_, problem, truth_recipe, threads_);
  compressor::RunOptions options;
  options.threads = threads_;
  return {exact_.info, truth_recipe, compressor::run_traced(problem, truth_recipe, options).tape};
}

TypedReader::TypedReader(const std::vector<std::string>& dtypes) {
  for (const std::string& text : dtypes) edits_.push_back({io::parse_dtype_override(text)});
}

io::TensorFile TypedReader::read(const DumpSource& source) {
  const auto* path = std::get_if<std::string>(&source);
  io::TensorFile file = path != nullptr ? io::read_tensors(*path) : std::get<1>(source)->file;
  for (const auto& [name, tensor] : file.tensors) names_.push_back(name);
  for (Edit& edit : edits_) apply(edit, file, name_of(source));
  return file;
}

void TypedReader::apply(Edit& edit, io::TensorFile& file, const std::string& where) {
  const auto found = file.tensors.find(edit.dtype.name);
  if (found == file.tensors.end()) return;
  const io::DType dtype = found->second.dtype;
  if (io::is_float(dtype) && dtype != edit.dtype.dtype) {
    edit.refusal = fmt::format("{}: tensor {} holds {} already; --dtype is for integers that are the bits of floats",
                               where, io::in_quotes(edit.dtype.name), io::name_of(dtype));
    return;
  }
  io::reinterpret(file, edit.dtype, where);
  edit.used = true;
}

Problem TypedReader::problem(const ProblemSource& source) {
  if (const auto* problem = std::get_if<std::shared_ptr<const Problem>>(&source)) return **problem;
  const std::string& path = std::get<std::string>(source);
  return compressor::problem_from_file(read(path), io::shown(path));
}

void TypedReader::require_used() const {
  for (const Edit& edit : edits_) {
    if (!edit.used && !edit.refusal.empty()) throw InputError(edit.refusal);
    if (!edit.used) throw InputError("--dtype: " + io::unknown_name("tensor", edit.dtype.name, names_));
  }
}

std::string name_of(const DumpSource& source) {
  const auto* path = std::get_if<std::string>(&source);
  return path != nullptr ? io::shown(*path) : std::get<1>(source)->name;
}

namespace {

judge::NameMap read_map(const std::optional<JsonSource>& map) {
  if (!map) return {};
  if (const auto* path = std::get_if<std::string>(&*map)) return {io::read_json(*path), io::shown(*path)};
  return {std::get<io::Json>(*map), "map"};
}

}  // namespace

judge::Dump read_dump(const DumpSource& source, const Problem& problem, const std::optional<JsonSource>& map,
                      TypedReader& reader) {
  const judge::NameMap names = read_map(map);
  const io::TensorFile file = reader.read(source);
  judge::Dump dump = judge::dump_from_file(file, problem, names, name_of(source));
  for (const std::string& key : names.unmatched(file.tensors))
    dump.notes.push_back("--map: " + io::in_quotes(key) + " matches no tensor of " + dump.source);
  return dump;
}

void require_other_file(const std::string& input, const std::string& output) {
  if (output != "-" && io::same_file(input, output)) {
    throw InputError(io::shown(output) + ": the output is the input itself; name another file");
  }
}

std::string output_path(const std::string& output) { return output == "-" ? "/dev/stdout" : output; }

std::string written(const std::string& output, const std::string& what) {
  return output == "-" ? "" : fmt::format("{}: {}\n", io::shown(output), what);
}

}  // namespace ulpscope::app
