// SPDX-License-Identifier: Apache-2.0
// Runs in memory, and the verb run, which reads and writes around them.
#include "app/execute.hpp"

#include <fmt/format.h>

#include "app/session.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/io/tensor_file.hpp"
#include "core/judge/mutants.hpp"
#include "ulpscope_version.hpp"

namespace ulpscope::app {
namespace {

using compressor::Decoded;
using compressor::Run;

const Backend& able(const ExecuteOptions& options) {
  const Backend& backend = backend_named(options.backend);
  const bool traced = options.backend == "traced";
  if (!options.chunks.empty() && !traced)
    throw InputError("chunks run on the traced backend only, not on " + io::in_quotes(options.backend));
  if (options.mutant.empty()) return backend;
  static_cast<void>(judge::mutant_named(options.mutant));
  if (!traced) throw InputError("mutants run on the traced backend only, not on " + io::in_quotes(options.backend));
  if (!options.chunks.empty()) throw InputError("a mutant runs in one shot: leave out the chunks");
  return backend;
}

std::string described(const Executed& executed, const Maker& maker) {
  if (const auto* decoded = std::get_if<Decoded>(&executed)) {
    const std::size_t entries = decoded->entries.empty() ? 0 : decoded->entries.back().shape[1];
    return fmt::format("{} chunks of recipe {}, {} entries", maker.chunks.size(), maker.recipe.name, entries);
  }
  const Run& run = std::get<Run>(executed);
  return fmt::format("{} slots of recipe {}, {} backend, computed in {}", run.tape.records().size(), maker.recipe.name,
                     run.backend, run.kind);
}

}  // namespace

Executed execute(const compressor::Problem& problem, const compressor::Recipe& recipe, const ExecuteOptions& options) {
  const Backend& backend = able(options);
  compressor::RunOptions run_options;
  run_options.threads = options.threads;
  run_options.gradients = options.gradients;
  if (!options.mutant.empty())
    return judge::run_mutant(problem, recipe, judge::mutant_named(options.mutant), run_options);
  if (options.chunks.empty()) return backend.run(problem, recipe, run_options);
  return compressor::run_chunks(problem, recipe, options.chunks, run_options);
}

io::TensorFile dump_of(const Executed& executed, const Maker& maker) {
  const std::string sha256 = compressor::problem_sha256(maker.problem);
  if (const auto* run = std::get_if<Run>(&executed)) {
    io::TensorFile file =
        judge::dump_to_file(run->tape, run->config, {maker.recipe.spec.dump(), run->backend, sha256, version::number});
    if (!maker.mutant.empty()) file.metadata["mutant"] = maker.mutant;
    return file;
  }
  io::TensorFile file = judge::decoded_to_file(std::get<Decoded>(executed),
                                               compressor::effective_config(maker.problem.config, maker.recipe),
                                               {maker.recipe.spec.dump(), "traced", sha256, version::number});
  file.metadata["chunks"] = io::Json(maker.chunks).dump();
  return file;
}

Outcome run(const RunOptions& options) {
  require_other_file(options.problem, options.output);
  ExecuteOptions execute_options{options.backend, compressor::Gradients::all, options.chunks, options.threads};
  if (!options.gradients) execute_options.gradients = compressor::Gradients::none;
  execute_options.mutant = options.mutant;
  static_cast<void>(able(execute_options));  // before anything is read
  TypedReader reader(options.dtypes);
  const compressor::Problem problem = reader.problem(options.problem);
  reader.require_used();
  const compressor::Recipe recipe = edited_recipe(options.recipe, options.edits);
  const Executed executed = execute(problem, recipe, execute_options);
  const Maker maker{problem, recipe, options.chunks, options.mutant};
  io::write_tensors(output_path(options.output), dump_of(executed, maker));
  return {{}, written(options.output, described(executed, maker)), 0};
}

}  // namespace ulpscope::app
