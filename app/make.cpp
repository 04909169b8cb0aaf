// SPDX-License-Identifier: Apache-2.0
// The verbs that write files: make, run, convert.
#include <fmt/format.h>

#include "app/session.hpp"
#include "core/compressor/checkpoint.hpp"
#include "core/compressor/decode.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/io/tensor_file.hpp"
#include "ulpscope_version.hpp"

namespace ulpscope::app {
namespace {

using compressor::Config;
using compressor::Problem;

Config with_sizes(Config config, const MakeOptions& options) {
  config.batch = options.batch.value_or(config.batch);
  config.seq = options.seq.value_or(config.seq);
  config.hidden = options.hidden.value_or(config.hidden);
  config.head_dim = options.head_dim.value_or(config.head_dim);
  return config;
}

Problem drawn(const Config& config, const MakeOptions& options) {
  compressor::MakeOptions make;
  make.seed = options.seed;
  make.gate_sigma = options.gate_sigma;
  make.ape_sigma = options.ape_sigma;
  make.threads = options.threads;
  return compressor::make_problem(config, make);
}

Problem from_checkpoint(const MakeOptions& options) {
  const auto kind = options.indexer ? compressor::CompressorKind::indexer : compressor::CompressorKind::main;
  const auto tensors = compressor::read_checkpoint({*options.checkpoint, options.layer, kind});
  if (options.hidden || options.head_dim)
    throw InputError("--hidden and --head-dim: the checkpoint's tensors have their own sizes");
  Config config = compressor::checkpoint_config(tensors, kind);
  config.seq = config.seq == 0 ? 4096 : config.seq;
  Problem problem = drawn(with_sizes(config, options), options);
  compressor::install(tensors, problem);
  return problem;
}

Problem base_problem(const MakeOptions& options) {
  const int sources = options.preset.has_value() + options.config.has_value() + options.from.has_value() +
                      options.checkpoint.has_value();
  if (sources != 1) throw InputError("make needs exactly one of --preset, --config, --from, --checkpoint");
  if (options.checkpoint) return from_checkpoint(options);
  if (options.from) {
    const Problem problem = compressor::read_problem(*options.from);
    if (with_sizes(problem.config, options) == problem.config) return problem;
    return drawn(with_sizes(problem.config, options), options);
  }
  if (options.preset) return drawn(with_sizes(compressor::preset(*options.preset), options), options);
  return drawn(
      with_sizes(compressor::config_from_json(io::read_json(*options.config), io::shown(*options.config)), options),
      options);
}

/// NAME=FILE: the tensor of that name in the file, or its only one.
void replace_input(io::TensorFile& problem, const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) throw InputError("--input: " + io::in_quotes(text) + " is not NAME=FILE");
  const std::string name = text.substr(0, equals);
  const std::string path = text.substr(equals + 1);
  const auto slot = compressor::find_slot(name);
  if (!slot || slot->direction != compressor::Direction::forward || !compressor::is_input(slot->name)) {
    std::vector<std::string> known;
    for (std::size_t i = 0; i < compressor::name_count; ++i) {
      const auto input = static_cast<compressor::Name>(i);
      if (compressor::is_input(input)) known.emplace_back(compressor::to_string(input));
    }
    throw InputError("--input: " + io::unknown_name("input", name, known));
  }
  const io::TensorFile file = io::read_tensors(path);
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end() && file.tensors.size() != 1) {
    throw InputError(
        fmt::format("{}: has {} tensors and none is named '{}'", io::shown(path), file.tensors.size(), name));
  }
  problem.tensors[name] = found == file.tensors.end() ? file.tensors.begin()->second : found->second;
}

std::string written(const std::string& output, const std::string& what) {
  return output == "-" ? "" : fmt::format("{}: {}\n", io::shown(output), what);
}

}  // namespace

Outcome make(const MakeOptions& options) {
  if (options.from) require_other_file(*options.from, options.output);
  io::TensorFile file = compressor::problem_to_file(base_problem(options));
  for (const std::string& input : options.inputs) replace_input(file, input);
  const Problem problem = compressor::problem_from_file(file, io::shown(options.output));
  io::write_tensors(output_path(options.output), file);
  return {{}, written(options.output, "problem, sha256 " + compressor::problem_sha256(problem)), 0};
}

namespace {

Outcome decode(const RunOptions& options, const Problem& problem, const compressor::Recipe& recipe,
               const compressor::RunOptions& run_options) {
  const compressor::Decoded decoded = compressor::run_chunks(problem, recipe, options.chunks, run_options);
  const judge::DumpLabel label{recipe.spec.dump(), "traced", compressor::problem_sha256(problem), version::number};
  const Config config = compressor::effective_config(problem.config, recipe);
  io::TensorFile file = judge::decoded_to_file(decoded, config, label);
  file.metadata["chunks"] = io::Json(options.chunks).dump();
  io::write_tensors(output_path(options.output), file);
  const std::size_t entries = decoded.entries.empty() ? 0 : decoded.entries.back().shape[1];
  return {{},
          written(options.output,
                  fmt::format("{} chunks of recipe {}, {} entries", options.chunks.size(), recipe.name, entries)),
          0};
}

}  // namespace

Outcome run(const RunOptions& options) {
  require_other_file(options.problem, options.output);
  const Backend& backend = backend_named(options.backend);
  const Problem problem = compressor::read_problem(options.problem);
  const compressor::Recipe recipe = edited_recipe(options.recipe, options.edits);
  compressor::RunOptions run_options;
  run_options.threads = options.threads;
  run_options.gradients = options.gradients ? compressor::Gradients::all : compressor::Gradients::none;
  if (!options.chunks.empty()) return decode(options, problem, recipe, run_options);
  const compressor::Run result = backend.run(problem, recipe, run_options);
  const judge::DumpLabel label{recipe.spec.dump(), result.backend, compressor::problem_sha256(problem),
                               version::number};
  io::write_tensors(output_path(options.output), judge::dump_to_file(result.tape, result.config, label));
  const std::string what = fmt::format("{} slots of recipe {}, {} backend, computed in {}",
                                       result.tape.records().size(), recipe.name, result.backend, result.kind);
  return {{}, written(options.output, what), 0};
}

Outcome convert(const ConvertOptions& options) {
  require_other_file(options.input, options.output);
  std::vector<io::DTypeOverride> overrides;
  for (const std::string& text : options.dtypes) overrides.push_back(io::parse_dtype_override(text));
  const io::TensorFile file = io::read_tensors(options.input, overrides);
  io::write_tensors(output_path(options.output), file);
  return {{}, written(options.output, fmt::format("{} tensors", file.tensors.size())), 0};
}

}  // namespace ulpscope::app
