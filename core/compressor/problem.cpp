// SPDX-License-Identifier: Apache-2.0
// Problems from and to files, and their fingerprint.
#include "core/compressor/problem.hpp"

#include <algorithm>
#include <vector>

#include "core/io/error.hpp"
#include "core/io/names.hpp"
#include "core/io/sha256.hpp"
#include "core/io/tensor_file.hpp"

namespace ulpscope::compressor {
namespace {

constexpr const char* marker = "ulpscope.problem";
constexpr const char* schema = "1";

std::vector<std::string> input_names() {
  std::vector<std::string> names;
  for (std::size_t i = 0; is_input(static_cast<Name>(i)); ++i) names.emplace_back(to_string(static_cast<Name>(i)));
  return names;
}

bool is_mask(Name name) { return name == Name::attention_mask || name == Name::segment_ids; }

/// Floats for what is computed with, integers for masks and ids.
bool is_allowed(Name name, io::DType dtype) {
  using io::DType;
  if (is_mask(name)) return dtype == DType::boolean || dtype == DType::u8 || dtype == DType::i32 || dtype == DType::i64;
  return dtype == DType::f64 || dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16;
}

Config read_config(const io::TensorFile& file, const std::string& source) {
  const auto version = file.metadata.find(marker);
  if (version != file.metadata.end() && version->second != schema) {
    throw InputError(source + ": problem schema " + io::in_quotes(version->second) + " is not known; known: " + schema);
  }
  const auto text = file.metadata.find("config");
  if (text == file.metadata.end()) {
    throw InputError(source +
                     ": no 'config' in the metadata (of .npz: no string entry 'config'), so this is not a problem");
  }
  return config_from_json(io::parse_json(text->second, source + ": config"), source + ": config");
}

std::map<std::string, io::Tensor> tensors_of(const Problem& problem) {
  std::map<std::string, io::Tensor> tensors;
  for (const auto& [name, tensor] : problem.inputs) {
    tensors.emplace(to_string(name), tensor_to_file(tensor, tensor.dtype));
  }
  return tensors;
}

}  // namespace

Tensor read_input(Name name, const io::Tensor& tensor, const Config& config, const std::string& source) {
  const std::string text(to_string(name));
  const Shape expected = shape_of(forward(name), config);
  if (tensor.shape != expected) {
    throw InputError(source + ": tensor '" + text + "' must have shape " + to_string(expected) + ", found " +
                     to_string(tensor.shape));
  }
  if (!is_allowed(name, tensor.dtype)) {
    throw InputError(source + ": tensor '" + text + "' must be " +
                     (is_mask(name) ? "BOOL, U8, I32 or I64" : "F64, F32, F16 or BF16") + ", found " +
                     std::string(io::name_of(tensor.dtype)));
  }
  return tensor_from_file(tensor);
}

Problem problem_from_file(const io::TensorFile& file, const std::string& source) {
  Problem problem{read_config(file, source), {}, source};
  for (const auto& [text, tensor] : file.tensors) {
    const auto slot = find_slot(text);
    if (!slot || slot->direction != Direction::forward || !is_input(slot->name)) {
      throw InputError(source + ": " + io::unknown_name("tensor", text, input_names()));
    }
    problem.inputs.emplace(slot->name, read_input(slot->name, tensor, problem.config, source));
  }
  for (std::size_t i = 0; is_input(static_cast<Name>(i)); ++i) {
    const Name name = static_cast<Name>(i);
    if (!is_optional_input(name) && !problem.has(name)) {
      throw InputError(source + ": tensor '" + std::string(to_string(name)) + "' of shape " +
                       to_string(shape_of(forward(name), problem.config)) + " is missing");
    }
  }
  if (problem.has(Name::prior_kv) != problem.has(Name::prior_gate)) {
    throw InputError(source + ": tensors 'prior_kv' and 'prior_gate' must come together");
  }
  return problem;
}

Problem read_problem(const std::filesystem::path& path) {
  return problem_from_file(io::read_tensors(path), io::shown(path));
}

io::TensorFile problem_to_file(const Problem& problem) {
  return {tensors_of(problem), {{marker, schema}, {"config", to_json(problem.config).dump()}}};
}

std::string problem_sha256(const Problem& problem) {
  const std::string config = to_json(problem.config).dump();
  io::Sha256 hash;
  hash.update(std::to_string(config.size()) + "\n" + config);
  io::hash_tensors(hash, tensors_of(problem));
  return hash.hex_digest();
}

}  // namespace ulpscope::compressor
