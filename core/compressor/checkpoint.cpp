// SPDX-License-Identifier: Apache-2.0
// Reading a layer's compressor from a checkpoint.
#include "core/compressor/checkpoint.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "core/io/error.hpp"
#include "core/io/json.hpp"
#include "core/io/names.hpp"
#include "core/io/safetensors.hpp"

namespace ulpscope::compressor {
namespace {

namespace fs = std::filesystem;

constexpr std::array<Name, 4> wanted{Name::w_kv, Name::w_gate, Name::ape, Name::gamma};

/// The names of the four tensors under one convention, in the order of `wanted`.
using Names = std::array<std::string, 4>;

Names native_names(const std::string& layer, CompressorKind kind) {
  const std::string stem =
      "layers." + layer + (kind == CompressorKind::main ? ".attn.compressor" : ".attn.indexer.compressor");
  return {stem + ".wkv.weight", stem + ".wgate.weight", stem + ".ape", stem + ".norm.weight"};
}

Names hugging_face_names(const std::string& layer, CompressorKind kind) {
  const std::string stem =
      "model.layers." + layer + ".self_attn.compressor" + (kind == CompressorKind::main ? "" : ".indexer");
  return {stem + ".kv_proj.weight", stem + ".gate_proj.weight", stem + ".position_bias", stem + ".kv_norm.weight"};
}

/// Every prefix that is seen in the wild: native files with and without "model.", Hugging Face with and without it.
std::vector<Names> conventions(std::size_t layer_number, CompressorKind kind) {
  const std::string layer = std::to_string(layer_number);
  std::vector<Names> all{native_names(layer, kind), hugging_face_names(layer, kind)};
  Names prefixed = all[0];
  for (std::string& name : prefixed) name.insert(0, "model.");
  Names bare = all[1];
  for (std::string& name : bare) name.erase(0, std::string("model.").size());
  all.push_back(prefixed);
  all.push_back(bare);
  return all;
}

/// Tensor name -> shard: from the index where there is one, else from the shards' own headers.
class Shards {
 public:
  explicit Shards(const fs::path& directory) : directory_(directory) {
    std::error_code error;
    if (!fs::is_directory(directory, error)) {
      throw InputError(io::shown(directory) + ": not a directory of .safetensors shards");
    }
    const fs::path index = directory / "model.safetensors.index.json";
    if (fs::exists(index, error)) {
      read_index(index);
    } else {
      read_headers();
    }
  }

  bool contains(const std::string& name) const { return shard_of_.contains(name); }

  io::Tensor read(const std::string& name) const {
    const fs::path path = directory_ / shard_of_.at(name);
    return io::SafetensorsView(path).read(name);
  }

  /// The names that end like a compressor's gate, to say what is there.
  std::vector<std::string> compressors() const {
    std::vector<std::string> found;
    for (const auto& [name, shard] : shard_of_) {
      for (const std::string_view end : {".wgate.weight", ".gate_proj.weight"}) {
        const bool compressor = name.ends_with(end) && name.find("compressor") != std::string::npos;
        if (compressor) found.push_back(name.substr(0, name.size() - end.size()));
      }
    }
    return found;
  }

 private:
  void read_index(const fs::path& path) {
    const io::Json index = io::read_json(path);
    const auto map = index.is_object() ? index.find("weight_map") : index.end();
    if (!index.is_object() || map == index.end() || !map->is_object()) {
      throw InputError(io::shown(path) + ": field 'weight_map' must be an object of tensor names and shards");
    }
    for (const auto& [name, shard] : map->items()) {
      const bool plain = shard.is_string() && !shard.get_ref<const std::string&>().empty() &&
                         fs::path(shard.get<std::string>()).filename() == shard.get<std::string>();
      if (!plain)
        throw InputError(io::shown(path) + ": tensor " + io::in_quotes(name) +
                         " must name a file in the same directory");
      shard_of_[name] = shard.get<std::string>();
    }
  }

  void read_headers() {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory_, error)) {
      if (entry.path().extension() != ".safetensors") continue;
      const std::string shard = entry.path().filename().string();
      for (const std::string& name : io::SafetensorsView(entry.path()).names()) {
        const auto [other, is_new] = shard_of_.emplace(name, shard);
        if (is_new) continue;
        throw InputError(io::shown(directory_) + ": tensor " + io::in_quotes(name) + " stands in two shards, " +
                         io::in_quotes(std::min(other->second, shard)) + " and " +
                         io::in_quotes(std::max(other->second, shard)));
      }
    }
    if (error) throw InputError(io::shown(directory_) + ": cannot be listed: " + error.message());
    if (shard_of_.empty()) throw InputError(io::shown(directory_) + ": holds no .safetensors shards");
  }

  fs::path directory_;
  std::map<std::string, std::string> shard_of_;
};

std::string described(const CheckpointRequest& request) {
  const std::string kind = request.kind == CompressorKind::main ? "compressor" : "indexer's compressor";
  return io::shown(request.directory) + ": layer " + std::to_string(request.layer) + "'s " + kind;
}

const Names& find_convention(const std::vector<Names>& candidates, const Shards& shards,
                             const CheckpointRequest& request) {
  const auto holds_any = [&](const Names& names) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return shards.contains(name); });
  };
  const auto found = std::find_if(candidates.begin(), candidates.end(), holds_any);
  if (found == candidates.end()) {
    throw InputError(described(request) + " is not there (looked for " + io::in_quotes(candidates[0][0]) + " and " +
                     io::in_quotes(candidates[1][0]) + "); compressors there: " + io::listed(shards.compressors()));
  }
  for (const std::string& name : *found) {
    if (!shards.contains(name)) throw InputError(described(request) + " has no tensor " + io::in_quotes(name));
  }
  return *found;
}

/// Sizes from the shapes, refusing shapes that contradict each other.
void read_sizes(CheckpointTensors& out, const CheckpointRequest& request) {
  const auto shape = [&](Name name) -> const io::Shape& { return out.tensors.at(name).shape; };
  const auto refuse = [&](Name name, const std::string& expected) {
    throw InputError(described(request) + ": tensor " + io::in_quotes(out.names.at(name)) + " must have shape " +
                     expected + ", found " + io::to_string(shape(name)));
  };
  if (shape(Name::gamma).size() != 1 || shape(Name::gamma)[0] == 0) refuse(Name::gamma, "[d]");
  out.head_dim = shape(Name::gamma)[0];
  const io::Shape& weight = shape(Name::w_kv);
  const bool fits =
      weight.size() == 2 && weight[1] != 0 && (weight[0] == out.head_dim || weight[0] == 2 * out.head_dim);
  if (!fits) refuse(Name::w_kv, "[c*d,h] with c 1 or 2 and d " + std::to_string(out.head_dim));
  out.overlap = weight[0] != out.head_dim;
  out.hidden = weight[1];
  if (shape(Name::w_gate) != weight) refuse(Name::w_gate, io::to_string(weight));
  const io::Shape& bias = shape(Name::ape);
  if (bias.size() != 2 || bias[0] == 0 || bias[1] != weight[0]) {
    refuse(Name::ape, "[ratio," + std::to_string(weight[0]) + "]");
  }
  out.ratio = bias[0];
}

}  // namespace

CheckpointTensors read_checkpoint(const CheckpointRequest& request) {
  const Shards shards(request.directory);
  const std::vector<Names> candidates = conventions(request.layer, request.kind);
  const Names& names = find_convention(candidates, shards, request);
  CheckpointTensors out;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    out.names[wanted[i]] = names[i];
    io::Tensor tensor = shards.read(names[i]);
    using io::DType;
    const bool allowed = tensor.dtype == DType::f64 || tensor.dtype == DType::f32 || tensor.dtype == DType::f16 ||
                         tensor.dtype == DType::bf16;
    if (!allowed) {
      throw InputError(described(request) + ": tensor " + io::in_quotes(names[i]) +
                       " must be F64, F32, F16 or BF16, found " + std::string(io::name_of(tensor.dtype)));
    }
    out.tensors[wanted[i]] = std::move(tensor);
  }
  read_sizes(out, request);
  return out;
}

Config checkpoint_config(const CheckpointTensors& checkpoint, CompressorKind kind) {
  const char* like = kind == CompressorKind::indexer ? "v4-flash-indexer"
                     : checkpoint.overlap            ? "v4-flash-csa"
                                                     : "v4-flash-hca";
  Config config = preset(like);
  config.ratio = checkpoint.ratio;
  config.overlap = checkpoint.overlap;
  config.mode = checkpoint.overlap ? Mode::csa : Mode::hca;
  config.hidden = checkpoint.hidden;
  config.head_dim = checkpoint.head_dim;
  // The shapes do not say these: as released where that fits, else what fits.
  config.rope->dim = std::min(config.rope->dim, config.head_dim);
  const auto& quantize = config.quantize;
  const bool fits = quantize && quantize->skip_last <= config.head_dim &&
                    (config.head_dim - quantize->skip_last) % quantize->block == 0;
  if (!fits) config.quantize.reset();
  validate(config, "checkpoint");
  return config;
}

void install(const CheckpointTensors& checkpoint, Problem& problem) {
  for (const auto& [name, tensor] : checkpoint.tensors) {
    const Shape expected = shape_of(forward(name), problem.config);
    if (tensor.shape != expected) {
      throw InputError("checkpoint: tensor " + io::in_quotes(checkpoint.names.at(name)) + " must have shape " +
                       to_string(expected) + ", found " + to_string(tensor.shape));
    }
    problem.inputs.insert_or_assign(name, tensor_from_file(tensor));
  }
}

}  // namespace ulpscope::compressor
