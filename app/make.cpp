// SPDX-License-Identifier: Apache-2.0
// The verbs make and convert: files from what is drawn or read.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "app/session.hpp"
#include "core/compressor/checkpoint.hpp"
#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/io/tensor_file.hpp"

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

Config read_config(const JsonSource& source) {
  if (const auto* path = std::get_if<std::string>(&source))
    return compressor::config_from_json(io::read_json(*path), io::shown(*path));
  return compressor::config_from_json(std::get<io::Json>(source), "config");
}

Problem base_problem(const MakeOptions& options, TypedReader& reader) {
  if (options.checkpoint) return from_checkpoint(options);
  if (options.from) {
    const Problem problem = reader.problem(*options.from);
    const bool drawn_anew = options.seed || options.gate_sigma || options.ape_sigma;
    if (!drawn_anew && with_sizes(problem.config, options) == problem.config) return problem;
    return drawn(with_sizes(problem.config, options), options);
  }
  if (!options.preset) return drawn(with_sizes(read_config(*options.config), options), options);
  Problem problem = drawn(with_sizes(compressor::preset(*options.preset), options), options);
  problem.source = fmt::format("preset {}, seed {}", *options.preset, options.seed.value_or(0));
  return problem;
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

}  // namespace

namespace {

struct Made {
  io::TensorFile file;
  Problem problem;
};

Made make_in_memory(const MakeOptions& options) {
  require_meaning(options);
  TypedReader reader(options.dtypes);
  const Problem base = base_problem(options, reader);
  io::TensorFile file = compressor::problem_to_file(base);
  replace_inputs(file, options, base.config, reader);
  reader.require_used();
  Problem problem =
      compressor::problem_from_file(file, options.output.empty() ? base.source : io::shown(options.output));
  return {std::move(file), std::move(problem)};
}

/// The name of convert's output says what it shall be; standard output gets safetensors.
void require_container(const std::string& output) {
  if (output == "-") return;
  const std::string suffix = std::filesystem::path(output).extension().string();
  const std::vector<std::string> known{".safetensors", ".npz", ".npy"};
  if (std::find(known.begin(), known.end(), suffix) == known.end())
    throw InputError(io::shown(output) + ": " + io::unknown_name("suffix", suffix, known));
}

}  // namespace

Problem made(const MakeOptions& options) { return make_in_memory(options).problem; }

Outcome make(const MakeOptions& options) {
  if (options.from) require_other_file(*options.from, options.output);
  const auto [file, problem] = make_in_memory(options);
  io::write_tensors(output_path(options.output), file);
  const std::string what = "problem, sha256 " + compressor::problem_sha256(problem) + assumed(options, problem.config);
  return {{}, written(options.output, what), 0};
}

Outcome convert(const ConvertOptions& options) {
  require_container(options.output);
  require_other_file(options.input, options.output);
  std::vector<io::DTypeOverride> overrides;
  for (const std::string& text : options.dtypes) overrides.push_back(io::parse_dtype_override(text));
  const io::TensorFile file = io::read_tensors(options.input, overrides);
  io::write_tensors(output_path(options.output), file);
  return {{}, written(options.output, fmt::format("{} tensors", file.tensors.size())), 0};
}

}  // namespace ulpscope::app
