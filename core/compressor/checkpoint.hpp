// SPDX-License-Identifier: Apache-2.0
// The compressor of one layer of a model checkpoint: its tensors, read by name from safetensors shards.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>

#include "core/compressor/problem.hpp"
#include "core/io/tensor.hpp"

namespace ulpscope::compressor {

/// A layer has a compressor of its own, and in CSA layers another inside its indexer.
enum class CompressorKind : std::uint8_t { main, indexer };

struct CheckpointRequest {
  std::filesystem::path directory;  ///< of .safetensors shards; model.safetensors.index.json is used where it is there
  std::size_t layer = 0;
  CompressorKind kind = CompressorKind::main;
};

/// w_kv, w_gate [c*d,h], ape [ratio,c*d] and gamma [d] as the checkpoint holds them, and what their shapes say.
struct CheckpointTensors {
  std::map<Name, io::Tensor> tensors;
  std::map<Name, std::string> names;  ///< each tensor's name in the checkpoint
  std::size_t hidden = 0;
  std::size_t head_dim = 0;
  std::size_t ratio = 0;
  bool overlap = false;  ///< c = 2: the projections have twice the features of gamma
};

/// Finds the four tensors under native names (layers.N.attn.compressor.wkv.weight ...) or Hugging Face names
/// (model.layers.N.self_attn.compressor.kv_proj.weight ...). Shards are memory-mapped; only these tensors' bytes are
/// read. Throws InputError: no shards, no compressor in that layer, a tensor missing, shapes that contradict each
/// other.
CheckpointTensors read_checkpoint(const CheckpointRequest& request);

/// The config of these tensors: sizes from the shapes, RoPE and the output's quantisation as the released models have
/// them (presets), RoPE on at most head_dim channels, no quantisation where its blocks do not fit; batch and seq are
/// the caller's.
Config checkpoint_config(const CheckpointTensors& checkpoint, CompressorKind kind);

/// `problem` with the checkpoint's weights in place of its own; their values are not rounded.
void install(const CheckpointTensors& checkpoint, Problem& problem);

}  // namespace ulpscope::compressor
