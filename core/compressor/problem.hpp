// SPDX-License-Identifier: Apache-2.0
// Problem: a config and the inputs that a run reads; from files, checkpoints' tensors or counter-based generators.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "core/compressor/config.hpp"
#include "core/compressor/tape.hpp"
#include "core/io/tensor.hpp"

namespace ulpscope::compressor {

struct Problem {
  Config config;
  std::map<Name, Tensor> inputs;
  std::string source;  ///< a path, or "preset small-csa, seed 0"

  const Tensor& input(Name name) const { return inputs.at(name); }
  bool has(Name name) const { return inputs.count(name) != 0; }
};

/// How `make` draws: input number i from fold_in(key(seed), i), scaled as the contract says.
struct MakeOptions {
  std::uint64_t seed = 0;
  double gate_sigma = 1.5;
  double ape_sigma = 0.5;
  unsigned threads = 1;
};

Problem make_problem(const Config& config, const MakeOptions& options);
/// One input of a problem under `config`. Throws InputError headed by `source`: wrong shape or dtype.
Tensor read_input(Name name, const io::Tensor& tensor, const Config& config, const std::string& source);
/// Throws InputError: missing or unknown tensor, wrong shape, config that is not one.
Problem problem_from_file(const io::TensorFile& file, const std::string& source);
Problem read_problem(const std::filesystem::path& path);
io::TensorFile problem_to_file(const Problem& problem);
/// sha256 over the canonical config and the sorted (name, dtype, shape, bytes), the same for every container: the
/// decimal length of to_json(config).dump(), a newline, that text; then io::hash_tensors of the inputs in their files'
/// dtypes.
std::string problem_sha256(const Problem& problem);

}  // namespace ulpscope::compressor
