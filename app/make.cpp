// SPDX-License-Identifier: Apache-2.0
// The verbs that write files: make, run, convert.
#include <fmt/format.h>

#include <set>

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
  make.seed = options.seed.value_or(make.seed);
  make.gate_sigma = options.gate_sigma.value_or(make.gate_sigma);
  make.ape_sigma = options.ape_sigma.value_or(make.ape_sigma);
  make.threads = options.threads;
  return compressor::make_problem(config, make);
}

Problem from_checkpoint(const MakeOptions& options) {
  const auto kind = options.indexer ? compressor::CompressorKind::indexer : compressor::CompressorKind::main;
  const auto tensors = compressor::read_checkpoint({*options.checkpoint, options.layer.value_or(0), kind});
  if (options.hidden || options.head_dim)
    throw InputError("--hidden and --head-dim: the checkpoint's tensors have their own sizes");
  Config config = compressor::checkpoint_config(tensors, kind);
  config.seq = config.seq == 0 ? 4096 : config.seq;
  Problem problem = drawn(with_sizes(config, options), options);
  compressor::install(tensors, problem);
  return problem;
}

/// Options that would change nothing are mistakes.
void require_meaning(const MakeOptions& options) {
  const int sources = options.preset.has_value() + options.config.has_value() + options.from.has_value() +
                      options.checkpoint.has_value();
  if (sources != 1) throw InputError("make needs exactly one of --preset, --config, --from, --checkpoint");
  if (!options.checkpoint && (options.layer || options.indexer))
    throw InputError("--layer and --indexer choose a compressor of --checkpoint, and have no meaning without it");
  const bool drawn = options.seed || options.gate_sigma || options.ape_sigma;
  const bool sized = options.batch || options.seq || options.hidden || options.head_dim;
  if (options.from && drawn && !sized) {
    throw InputError(
        "--seed, --gate-sigma and --ape-sigma have no meaning where --from copies the inputs; name another "
        "size (--batch, --seq, --hidden, --head-dim) to draw new ones");
  }
}

Problem base_problem(const MakeOptions& options, TypedReader& reader) {
  if (options.checkpoint) return from_checkpoint(options);
  if (options.from) {
    const Problem problem = reader.problem(*options.from);
    const bool drawn_anew = options.seed || options.gate_sigma || options.ape_sigma;
    if (!drawn_anew && with_sizes(problem.config, options) == problem.config) return problem;
    return drawn(with_sizes(problem.config, options), options);
  }
  if (options.preset) return drawn(with_sizes(compressor::preset(*options.preset), options), options);
  return drawn(
      with_sizes(compressor::config_from_json(io::read_json(*options.config), io::shown(*options.config)), options),
      options);
}

struct Replacement {
  compressor::Name name;
  std::string path;
};

/// NAME=FILE.
Replacement parse_replacement(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) throw InputError("--input: " + io::in_quotes(text) + " is not NAME=FILE");
  const std::string name = text.substr(0, equals);
  const auto slot = compressor::find_slot(name);
  if (slot && slot->direction == compressor::Direction::forward && compressor::is_input(slot->name))
    return {slot->name, text.substr(equals + 1)};
  std::vector<std::string> known;
  for (std::size_t i = 0; i < compressor::name_count; ++i) {
    const auto input = static_cast<compressor::Name>(i);
    if (compressor::is_input(input)) known.emplace_back(compressor::to_string(input));
  }
  throw InputError("--input: " + io::unknown_name("input", name, known));
}

/// The tensor of that name in the file, or its only one; checked here, where the file has a name.
void replace_input(io::TensorFile& problem, const Replacement& input, const Config& config, TypedReader& reader) {
  const std::string name(compressor::to_string(input.name));
  const io::TensorFile file = reader.read(input.path);
  const auto found = file.tensors.find(name);
  if (found == file.tensors.end() && file.tensors.size() != 1) {
    throw InputError(
        fmt::format("{}: has {} tensors and none is named '{}'", io::shown(input.path), file.tensors.size(), name));
  }
  const io::Tensor& tensor = found == file.tensors.end() ? file.tensors.begin()->second : found->second;
  static_cast<void>(compressor::read_input(input.name, tensor, config, io::shown(input.path)));
  problem.tensors[name] = tensor;
}

void replace_inputs(io::TensorFile& file, const MakeOptions& options, const Config& config, TypedReader& reader) {
  std::set<compressor::Name> replaced;
  for (const std::string& text : options.inputs) {
    const Replacement input = parse_replacement(text);
    if (!replaced.insert(input.name).second)
      throw InputError(fmt::format("--input: '{}' is given twice", compressor::to_string(input.name)));
    replace_input(file, input, config, reader);
  }
}

/// What a checkpoint's shapes do not say.
std::string assumed(const MakeOptions& options, const Config& config) {
  if (!options.checkpoint) return "";
  return fmt::format("; its shapes do not say RoPE and quantisation: taken are RoPE on {} channels and {}",
                     config.rope ? config.rope->dim : 0,
                     config.quantize ? config.quantize->format + " output" : std::string("no quantisation"));
}

std::string written(const std::string& output, const std::string& what) {
  return output == "-" ? "" : fmt::format("{}: {}\n", io::shown(output), what);
}

}  // namespace

Outcome make(const MakeOptions& options) {
  require_meaning(options);
  if (options.from) require_other_file(*options.from, options.output);
  TypedReader reader(options.dtypes);
  const Problem base = base_problem(options, reader);
  io::TensorFile file = compressor::problem_to_file(base);
  replace_inputs(file, options, base.config, reader);
  reader.require_used();
  const Problem problem = compressor::problem_from_file(file, io::shown(options.output));
  io::write_tensors(output_path(options.output), file);
  const std::string what = "problem, sha256 " + compressor::problem_sha256(problem) + assumed(options, base.config);
  return {{}, written(options.output, what), 0};
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
  if (!options.chunks.empty() && options.backend != "traced") {
    throw InputError("--chunks runs on the traced backend only, not on " + io::in_quotes(options.backend));
  }
  TypedReader reader(options.dtypes);
  const Problem problem = reader.problem(options.problem);
  reader.require_used();
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
